"""Whether an address has an account is told neither by the answer nor by the time it takes: the same work is done either way (A14).

Time is what somebody outside measures; work is what makes it, and is counted: the same statements, hashes and jobs in the same order.
"""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event

from bridge.clients.argon2 import Argon2Hasher
from bridge.config import AuthMode, SignUp
from bridge.usecases import people
from storage.database import Database
from web import limiting
from web.accounts import HASHER, LETTER_JOB
from web.keys import JOBS

from .house import House, running
from .visitors import PASSWORD, Visitor, person

pytestmark = pytest.mark.asyncio(loop_scope="module")
KNOWN, CLOSED, NO_PASSWORD, UNKNOWN = (f"{word}@example.org" for word in ("known", "close", "magic", "other"))
"""As long as each other: not even a length differs."""
ASKED: dict[str, dict[str, str]] = {"login": {"password": "not the password"}, "link": {}, "reset": {}}
INSERTS = ["BEGIN IMMEDIATE", "INSERT INTO main.workflow_status"]
WORK = {"login": ["SELECT users", "SELECT passwords", "verify"], "link": INSERTS, "reset": INSERTS}
"""What is among it, so that a list of nothing does not pass for the same."""
ALIKE = 0.10
"""How far apart the times may be (A14)."""
MOST_PAIRS = 3_000


class NotedHasher(Argon2Hasher):
    """The real one, which says when it works."""

    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self._done = done

    async def verify(self, stored: str | None, password: str) -> bool:
        """As it is."""
        self._done.append("verify")
        return await super().verify(stored, password)

    async def hash(self, password: str) -> str:
        """As it is."""
        self._done.append("hash")
        return await super().hash(password)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[House]:
    """An open sign-up, a mail server that nobody reaches, and an account of each kind but one."""
    settings = {
        "auth_mode": AuthMode.LOCAL,
        "signup": SignUp.OPEN,
        "smtp_url": "smtp://127.0.0.1:9",
        "mail_from": "p@example.org",
    }
    async with running(tmp_path_factory.mktemp("work"), **settings) as up:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("SIGN_IN", "LETTERS_ASKED", "LETTERS"):
                patch.setattr(limiting, name, limiting.parse("1000000/minute"))
            for email in (KNOWN, CLOSED):
                made = await Visitor(up).call("POST", "/api/auth/register", {"email": email, "password": PASSWORD})
                assert made[0] == 201
            await people.set_disabled(up.store, None, made[1]["user"]["id"], disabled=True, now=datetime.now(UTC))
            await person(up, email=NO_PASSWORD)
            yield up


@pytest.fixture
def done(house: House) -> list[str]:
    """What requests have the database and the hasher do, in order; not what jobs and clocks do beside them."""
    done: list[str] = []
    assert isinstance(house.store, Database)

    def note(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        if "RequestHandler" in getattr(task.get_coro(), "__qualname__", ""):
            done.append(" ".join(statement.split()))

    engines = {house.store.engine.sync_engine, house.store._readers.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    hasher = house.app[HASHER]
    house.app._state[HASHER] = NotedHasher(done)
    yield done
    house.app._state[HASHER] = hasher
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


async def ask(house: House, path: str, email: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers, those that are another each time without what is another."""
    response, body = await Visitor(house).send("POST", f"/api/auth/{path}", json={"email": email} | ASKED[path])
    headers = {name: value for name, value in response.headers.items() if name not in ("Date", "X-Request-ID")}
    headers = {name: re.sub(r"=[\w-]{43};", "=…;", value) for name, value in headers.items()}
    return response.status, body, headers


async def letters(house: House) -> set[str]:
    """The jobs that write letters, and find out whether there is anybody to write to."""
    return {run.key for run in await house.app[JOBS].recent(failed_only=False, limit=1000) if run.kind == LETTER_JOB}


@pytest.mark.parametrize("path", ASKED)
async def test_the_same_work_for_whomever_it_is(house: House, done: list[str], path: str) -> None:
    """A14: an account, a closed one, one without a password and none: the same answer to the byte, the same statements and hashes in the same order,
    and one job each for a letter."""
    answers, works, jobs = [], [], []
    for email in (KNOWN, CLOSED, NO_PASSWORD, UNKNOWN):
        before = await letters(house)
        done.clear()
        answers.append(await ask(house, path, email))
        works.append(list(done))
        jobs.append(len(await letters(house) - before))

    if path == "login":
        response, body = await Visitor(house).send("POST", "/api/auth/login", json={"email": CLOSED, "password": PASSWORD})
        answers.append((response.status, body, answers[0][2]))
        assert response.status == 401
    for status, body, headers in answers[1:]:
        assert (status, body) == answers[0][:2]
        assert set(headers.items()) ^ set(answers[0][2].items()) == set()
    assert works == [works[0]] * 4
    assert jobs == [0 if path == "login" else 1] * 4
    assert [any(step.startswith(word) for step in works[0]) for word in WORK[path]] == [True] * len(WORK[path]), works[0]


@pytest.mark.parametrize("path", ASKED)
async def test_the_same_time_for_whomever_it_is(house: House, path: str) -> None:
    """A14: known and unknown take as long within 10 %, in this process's own time, which nothing beside it adds to. Measured in pairs, whose order
    alternates, until the median of the differences is known well enough (three standard errors, by rank) to lie within or without."""
    differences: list[float] = []
    known: list[float] = []
    while len(differences) < MOST_PAIRS:
        for n in range(20):
            seconds = {}
            for email in (KNOWN, UNKNOWN) if n % 2 else (UNKNOWN, KNOWN):
                begun = time.process_time()
                await ask(house, path, email)
                seconds[email] = time.process_time() - begun
            differences.append(seconds[KNOWN] - seconds[UNKNOWN])
            known.append(seconds[KNOWN])
        differences.sort()
        spread = math.ceil(1.5 * math.sqrt(len(differences)))
        low, high = (differences[len(differences) // 2 + side * spread] / statistics.median(known) for side in (-1, 1))
        assert low < ALIKE, (path, low, high, len(differences))
        assert high > -ALIKE, (path, low, high, len(differences))
        if -ALIKE < low <= high < ALIKE:
            return
    pytest.fail(f"after {MOST_PAIRS} pairs it is not known yet: {low:.2f} … {high:.2f}")
