"""Several servers on one PostgreSQL: a call moves from one to another, and one that dies takes nothing along (jobs-and-scale, M1)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.postgres import PostgresServer, postgres_server
from web.rehearsal.account import Account
from web.rehearsal.api import Api
from web.rehearsal.candidate import Prepared
from web.rehearsal.client import Order, Rehearsal
from web.rehearsal.house import House

from .balancer import balancing
from .live import ANSWER, Caller, Server

__all__ = ["postgres_server"]  # a fixture
pytestmark = pytest.mark.timeout(600)
REHEARSALS = 30
SETUP = {"type": "javascript", "difficulty": "easy", "duration": 5, "questionCount": 3, "pace": "fast"}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Cluster:
    """Three servers on one database, and one address for all."""

    def __init__(self, folder: Path, database_url: str, port: int) -> None:
        common = {
            "PREPKIT_DATABASE_URL": database_url,
            "PREPKIT_RECORDINGS_URL": f"file://{folder / 'recordings'}",
            "PREPKIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "PREPKIT_MASTER_KEY": "ab" * 32,
            "PREPKIT_RECOGNISER": "none",
            "PREPKIT_MAX_CALLS": "40",
        }
        self.url = common["PREPKIT_PUBLIC_URL"]
        self.ports = [free_port() for _ in range(3)]
        self.houses = [
            House(folder / f"node-{n}", environ=common | {"PREPKIT_PORT": str(own)}) for n, own in enumerate(self.ports)
        ]

    def at(self, n: int, url: str) -> str:
        """A socket's address on one certain server."""
        return url.replace(self.url.split("//")[1], f"127.0.0.1:{self.ports[n]}")


@pytest.fixture
async def cluster(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A running cluster on a fresh database."""
    name = postgres_server.create()
    made: list[Cluster] = []
    try:
        async with balancing(lambda: made[0].ports if made else []) as port:
            made.append(Cluster(tmp_path, postgres_server.url(name), port))
            await asyncio.gather(*(house.start() for house in made[0].houses))
            yield made[0]
            await asyncio.gather(*(house.kill() for house in made[0].houses))
    finally:
        postgres_server.drop(name)


def numbers(caller: Caller) -> list[int]:
    """Places in the log of the turns a client was told of."""
    return [note["data"]["seq"] for note in caller.notes if note["type"] == "server-message" and note["data"]["type"] == "turn"]


async def test_a_call_moves_to_the_server_of_the_newer_tab(cluster: Cluster, tmp_path: Path) -> None:
    """F4 across servers: the older tab lets go with 4409, the newer one is at the same question, and the log has one writer."""
    async with aiohttp.ClientSession(headers={"Host": cluster.url.split("//")[1]}) as http:
        server = Server(cluster.url, tmp_path, http)
        session_id = (await server.set_up())["sessionId"]
        url, token = await server.start(session_id)
        async with server.caller(cluster.at(0, url), token) as first:
            await first.told("question", 30)
            await first.verb("text", text=ANSWER)
            url, token = await server.start(session_id)
            async with server.caller(cluster.at(1, url), token) as second:
                assert await first.closed() == 4409
                await second.told("question", 30)
                await second.verb("text", text=ANSWER)
                # Ended over a third server, whose API knows nothing of the call but the database.
                async with http.post(
                    f"http://127.0.0.1:{cluster.ports[2]}/api/interviews/{session_id}/complete", json={}
                ) as ended:
                    assert ended.status == 202
                assert await second.closed() == 1000
        shown = await server.status(session_id, "partial", "completed")

    assert [turn["text"] for turn in shown["transcript"] if turn["speaker"] == "candidate"] == [ANSWER, ANSWER]
    assert numbers(second)
    assert set(numbers(first)).isdisjoint(numbers(second))


async def test_thirty_rehearsals_go_on_when_one_of_three_servers_is_killed(cluster: Cluster) -> None:
    """The others lose nothing, the dead one's candidates resume elsewhere, every report arrives once."""
    started = asyncio.Event()
    begun = 0
    told: dict[int, list[str]] = {n: [] for n in range(REHEARSALS)}

    def watch(n: int) -> Any:
        def hear(kind: str, data: Any) -> None:
            nonlocal begun
            if kind == "turn" and data["speaker"] == "candidate" and data["final"] and data["turnId"] not in told[n]:
                told[n].append(data["turnId"])
                begun += len(told[n]) == 1
                if begun >= REHEARSALS // 2:
                    started.set()

        return hear

    async def pull_the_plug() -> None:
        await started.wait()
        await cluster.houses[0].kill()

    async def rehearse(n: int) -> Account:
        # A connection of its own: a browser is one person.
        async with aiohttp.ClientSession() as http:
            await asyncio.sleep(n * 0.4)
            return await Rehearsal(Api(http, cluster.url), Order(SETUP, typed=True), Prepared(None), watch(n)).run()

    killing = asyncio.create_task(pull_the_plug())
    accounts = await asyncio.gather(*(rehearse(n) for n in range(REHEARSALS)))
    await killing

    for n, account in enumerate(accounts):
        assert account.report is not None
        stored = [turn["turnId"] for turn in account.interview["transcript"] if turn["speaker"] == "candidate"]
        assert set(told[n]) <= set(stored)
        assert len(stored) == len(set(stored))
    assert sum(account.legs > 1 for account in accounts) > 0
    async with aiohttp.ClientSession() as http:
        history = await Server(cluster.url, Path(), http).call("GET", "/api/interviews/history?limit=100")
    assert history["total"] == REHEARSALS
    assert {row["status"] for row in history["interviews"]} <= {"completed", "partial"}


def children(pid: int) -> list[int]:
    """Processes of a process, oldest first."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_workers_share_the_port_and_are_kept_up(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """PREPKIT_WORKERS: two processes answer on one port, one that dies is started again, and SIGTERM ends them all."""
    name = postgres_server.create()
    house = House(tmp_path, environ={"PREPKIT_DATABASE_URL": postgres_server.url(name), "PREPKIT_WORKERS": "2"})
    try:
        await house.start()
        assert house.pid is not None
        first = children(house.pid)
        async with aiohttp.ClientSession() as http:
            server = Server(house.url, tmp_path, http)
            session_id = (await server.set_up())["sessionId"]
            os.kill(first[0], signal.SIGKILL)
            async with asyncio.timeout(60):
                while len(again := children(house.pid)) < 2 or first[0] in again:
                    await asyncio.sleep(0.2)
            shown = await server.show(session_id)
        await house.stop()
    finally:
        await house.kill()
        postgres_server.drop(name)

    assert shown["status"] == "ready"
    assert [pid for pid in {*first, *again} if Path(f"/proc/{pid}").exists()] == []
