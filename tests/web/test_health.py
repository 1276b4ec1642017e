"""`/healthz` and `/readyz`, and a server that comes, goes and comes again in one process. Each test has its own server."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.clients import gemini as client
from bridge.domain import breaker
from bridge.usecases import privacy
from storage.database import Database
from web.keys import SUPERVISOR
from web.standins import question_writer
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

from .house import AGREED, House, add_recording, finished_session, live_session, running, until_none


async def ready(house: House) -> tuple[int, dict[str, bool], dict[str, str | None]]:
    """Status, which checks are good, and the reasons of those that are not."""
    status, body = await house.call("GET", "/readyz")
    checks = body["checks"]
    assert body["ready"] == (status == 200)
    return (
        status,
        {name: check["ok"] for name, check in checks.items()},
        {name: check.get("reason") for name, check in checks.items()},
    )


async def test_the_database_is_gone(tmp_path: Path):
    """Contract 4: readyz 503 with the reason, healthz 200 all the same; an API call is a clean 5xx in our shape, without a traceback."""
    async with running(tmp_path) as house:
        assert (await ready(house))[0] == 200
        # The pages of the file itself, as a broken disk leaves them.
        with (tmp_path / "prepkit.db").open("r+b") as file:
            file.write(b"x" * 300_000)

        status, good, reasons = await ready(house)
        alive, _ = await house.fetch("GET", "/healthz")
        page, html = await house.fetch("GET", "/history")
        broken, body = await house.call("GET", "/api/interviews/history")

    assert (status, good["database"], alive.status) == (503, False, 200)
    assert "database" in (reasons["database"] or "")
    assert (broken, body["error"]["code"]) == (500, "internal")
    assert body["error"]["details"]["reference"]
    assert (page.status, page.content_type) == (500, "text/html")
    assert [word for word in ("Traceback", "sqlite", "SELECT", str(tmp_path)) if word in html + str(body)] == []


def migrate_elsewhere(file: Path) -> None:
    """Write down that another version has been here."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'r9999'")


async def test_the_tables_are_not_ours(tmp_path: Path):
    """Contract 4: a database that another version has migrated is not ready."""
    async with running(tmp_path) as house:
        # In a thread: the server's own writer may hold the lock, and needs this loop to let it go.
        await asyncio.to_thread(migrate_elsewhere, tmp_path / "prepkit.db")
        status, good, _ = await ready(house)

    assert (status, good["database"]) == (503, False)


async def test_a_server_that_is_leaving_is_not_ready(tmp_path: Path):
    """Contract 4: while it drains, readyz is 503 and start is 503 with Retry-After; reading goes on."""
    async with running(tmp_path) as house:
        made = await house.set_up()
        await house.app[SUPERVISOR].stop_all()

        status, good, reasons = await ready(house)
        response, _ = await house.fetch("POST", f"/api/interviews/{made['sessionId']}/start")
        shown, _ = await house.call("GET", f"/api/interviews/{made['sessionId']}")

    assert (status, good["calls"], reasons["calls"]) == (503, False, "The server is shutting down.")
    assert (response.status, response.headers["Retry-After"], shown) == (503, "60", 200)


async def test_a_model_that_is_down_is_told_and_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """F7, C-47: 503 from Gemini: the set-up page says what still works, readyz shows it and stays 200; both are quiet again with the next answer."""
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_SECONDS", 0.0)
    brain = StandinBrain().when(question_writer.write, purpose="questions")
    async with (
        GeminiStandin(brain=brain) as gemini,
        running(tmp_path, gemini_api_key="test-key", gemini_base_url=gemini.url) as house,
    ):

        async def seen() -> tuple[int, bool, str | None, bool]:
            _, page = await house.fetch("GET", "/")
            status, good, reasons = await ready(house)
            return status, good["model"], reasons["model"], "You can practise all the same." in page

        before = await seen()
        gemini.faults.add(Kind.UNAVAILABLE, count=None)
        made = await house.set_up()
        down = await seen()
        gemini.faults.clear()
        again = await house.set_up()
        after = await seen()

    assert ("ready", "bank") == (made["status"], made["questionsFrom"])
    assert (200, False, True) == (*down[:2], down[3])
    assert "go on without it" in (down[2] or "")
    assert "bank" != again["questionsFrom"]
    assert before == after == (200, True, None, False)


async def test_a_key_that_is_refused_is_told_at_once(tmp_path: Path):
    """F7, issue 4: one refusal, not three: candidates read what still works, operators and readyz why, in words that name the key and never hold it."""
    async with (
        GeminiStandin(key="right-key") as gemini,
        running(tmp_path, gemini_api_key="wrong-key", gemini_base_url=gemini.url) as house,
    ):
        _, before = await house.fetch("GET", "/operator")
        made = await house.set_up()
        _, setup = await house.fetch("GET", "/")
        _, operator = await house.fetch("GET", "/operator")
        status, good, reasons = await ready(house)

    told = "Google does not accept this server&#39;s key."
    assert ("ready", "bank") == (made["status"], made["questionsFrom"])
    assert (200, False) == (status, good["model"])
    assert "Google does not accept this server's key. `prepkit doctor` says more." in (reasons["model"] or "")
    assert [False, True] == [told in page for page in (before, operator)]
    assert "You can practise all the same." in setup
    assert not any("wrong-key" in text for text in (setup, operator, reasons["model"] or ""))


async def test_a_full_house_says_when_to_come_back(tmp_path: Path):
    """R-092, contract 4: at capacity start is 503 with Retry-After, and the interview stays ready to start."""
    async with running(tmp_path) as house:
        house.app[SUPERVISOR].max_calls = 0
        made = await house.set_up()

        response, _ = await house.fetch("POST", f"/api/interviews/{made['sessionId']}/start")
        body = await response.json()
        _, shown = await house.call("GET", f"/api/interviews/{made['sessionId']}")

    assert (response.status, response.headers["Retry-After"], body["error"]["code"]) == (503, "60", "at_capacity")
    assert shown["status"] == "ready"


async def test_a_restart_keeps_everything(tmp_path: Path):
    """M1, contract 1: down and up again on the same folder: interviews, reports and recordings are there, a live one can be resumed."""
    async with running(tmp_path) as house:
        done = await house.finished()
        wav = await add_recording(house.recordings, done.id)
        live = (await live_session(house.store, house.user)).session
        _, report = await house.call("GET", f"/api/interviews/{done.id}/report")
    async with running(tmp_path) as house:
        assert (200, report) == await house.call("GET", f"/api/interviews/{done.id}/report")
        async with house.client.get(f"{house.origin}/api/interviews/{done.id}/recording") as response:
            assert wav == await response.read()
        _, shown = await house.call("GET", f"/api/interviews/{live.id}")
        status, started = await house.call("POST", f"/api/interviews/{live.id}/start", json=AGREED)

    assert shown["status"] == "interrupted"
    assert (status, started["callId"]) == (200, live.call_id)


@pytest.mark.parametrize("left", ["report", "purge"])
async def test_a_job_left_behind_is_done_by_the_next_server(tmp_path: Path, left: str):
    """C-23, C-34: a report or a purge that was due when the server went down is done after the restart."""
    async with running(tmp_path) as house:
        settled = await house.finished()
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}")
    async with database.begin() as tx:
        user = await tx.single_user()
    if left == "report":
        session = await finished_session(database, user, report=False)
    else:
        session = settled
        await privacy.delete_session(database, user, session.id, datetime.now(UTC))
    await database.close()

    async with running(tmp_path) as house:

        async def due() -> bool:
            async with house.store.read() as tx:
                if left == "report":
                    return await tx.report(session.id) is None
                return bool(await tx.turns(session.id))

        await until_none(due)
