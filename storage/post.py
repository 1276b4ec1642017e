"""Messages between processes by PostgreSQL's LISTEN and NOTIFY: no other service, and nothing is lost that the log does not hold anyway.

A message that nobody hears is no answer in time; whoever asked goes on without. Read next: `holders`, `bridge.usecases.neighbours`.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import psycopg
from loguru import logger
from sqlalchemy import text

from bridge.ports.post import Answerer, Body

from .database import Database

CHANNEL: Final = "prepkit_post"
MAX_BYTES = 7_900
"""PostgreSQL takes less than 8,000 a notification."""
RECONNECT_SECONDS = 1.0


class Alone:
    """The post of a process that is the only one on its database (SQLite)."""

    def answer(self, kind: str, answerer: Answerer) -> None:
        """Nobody will ask."""

    async def ask(self, node: str, kind: str, session_id: str, body: Body, *, seconds: float) -> Body | None:
        """There is nobody."""
        return None

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""


class PostgresPost:
    """Implements `bridge.ports.Post`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._node = database.node
        self._conninfo = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._answerers: dict[str, Answerer] = {}
        self._waiting: dict[str, asyncio.Future[Body]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def answer(self, kind: str, answerer: Answerer) -> None:
        """Answer questions of this kind."""
        self._answerers[kind] = answerer

    async def start(self) -> None:
        """Begin to listen; returns once messages are heard."""
        self._listener = asyncio.create_task(self._listen(), name="post")
        await self._listening.wait()

    async def stop(self) -> None:
        """Stop listening; answers under way are given up."""
        for task in [*self._answering, *([self._listener] if self._listener else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def ask(self, node: str, kind: str, session_id: str, body: Body, *, seconds: float) -> Body | None:
        """The other process's answer, or None when none came in time."""
        question = uuid4().hex
        answered: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._waiting[question] = answered
        try:
            async with asyncio.timeout(seconds):
                await self._send(
                    {"to": node, "from": self._node, "id": question, "kind": kind, "session": session_id, "body": body}
                )
                return await answered
        except TimeoutError:
            return None
        finally:
            del self._waiting[question]

    async def _send(self, message: dict[str, Any]) -> None:
        payload = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        if len(payload.encode()) > MAX_BYTES:
            raise ValueError("a message between processes is too long")
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload})

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._listening.set()
                    async for notification in connection.notifies():
                        self._take(json.loads(notification.payload))
            except psycopg.Error as error:
                # The database is away: the log cannot be written either, and whoever asks meanwhile gets no answer.
                logger.warning("Other processes cannot be heard: {}", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _take(self, message: dict[str, Any]) -> None:
        if message["to"] != self._node:
            return
        if (question := message.get("re")) is not None:
            if (waiting := self._waiting.get(question)) and not waiting.done():
                waiting.set_result(message["body"])
            return
        task = asyncio.create_task(self._reply(message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _reply(self, message: dict[str, Any]) -> None:
        answerer = self._answerers.get(message["kind"])
        if answerer is None:
            return
        try:
            body = await answerer(message["session"], message["body"])
            await self._send({"to": message["from"], "re": message["id"], "body": body})
        except Exception as error:  # noqa: BLE001 - The top of a task: no answer is what the other one is prepared for.
            logger.error("A question of another process was not answered: {}", type(error).__name__)


def post_of(database: Database) -> Alone | PostgresPost:
    """The post that suits the database."""
    return Alone() if database.is_sqlite else PostgresPost(database)
