"""The real application over loopback: real database, real jobs, real files. One server for each test module.

The job engine is one instance a process, so two servers cannot be up at once; a test that breaks its server makes its own in a module
without the `house` fixture.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from limits import parse

from web import middlewares

from .house import House, running


@pytest.fixture(scope="module")
def no_rate_limit() -> Iterator[None]:
    """Hundreds of requests a minute: what a fuzzer needs and a user may not (test_door has the real limit)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(middlewares, "LIMIT", parse("1000000/minute"))
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """A server that is up."""
    async with running(tmp_path_factory.mktemp("house")) as up:
        yield up
