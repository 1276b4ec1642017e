"""Real servers for acceptance tests: `prepkit serve` as a process of its own, on a free port, with a temporary data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from web.rehearsal.house import House

StartServer = Callable[..., Awaitable[House]]
"""`await server(command="serve", **environment)` → a started `House`: `url`, `data_dir`, `log`, `pid`, `kill()`, `stop()`, `start()` again."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Starts servers and ends them with the test; a second call in one test gets a data folder of its own."""
    houses: list[House] = []

    async def start(command: str = "serve", **environ: str) -> House:
        house = House(tmp_path / f"server-{len(houses)}", command=command, environ=environ)
        houses.append(house)
        await house.start()
        return house

    yield start
    for house in houses:
        await house.kill()
