"""A server of one's own starts, says what is wrong, and is gone afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import aiohttp
import pytest

from web.rehearsal.api import RehearsalFailed
from web.rehearsal.house import House


async def test_a_server_comes_back_on_the_same_port_and_its_end_is_noticed(tmp_path: Path) -> None:
    """R-051: after a kill the same URL answers again; one that ends unasked is named."""
    house = House(tmp_path / "data")
    try:
        await house.start()
        first = house.url
        await house.kill()
        await house.start()
        async with aiohttp.ClientSession() as http, http.get(f"{house.url}/healthz") as response:
            assert (200, first) == (response.status, house.url)
        house.check()

        assert house.pid is not None
        os.kill(house.pid, signal.SIGTERM)
        assert house._process is not None
        await house._process.wait()
        with pytest.raises(RehearsalFailed, match="has ended"):
            house.check()
    finally:
        await house.stop()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Its own last sentence, not a time-out."""
    house = House(tmp_path / "data", environ={"PREPKIT_PORT": "no number"})

    with pytest.raises(RehearsalFailed, match="PREPKIT_PORT"):
        await house.start()
    await house.stop()


async def test_settings_of_the_person_s_own_server_stay_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal must never write into somebody's real history."""
    monkeypatch.setenv("PREPKIT_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'mine.db'}")
    monkeypatch.setenv("PREPKIT_DATA_DIR", str(tmp_path / "mine"))
    house = House(tmp_path / "own")
    try:
        await house.start()
    finally:
        await house.stop()

    assert not (tmp_path / "mine.db").exists()
    assert not (tmp_path / "mine").exists()
    assert (tmp_path / "own" / "prepkit.db").exists()
