"""Letters that a report is ready: asked for, sent once over a real SMTP server, given up in words (R-130, contract §3)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from bridge.usecases import calling, report_mail
from storage.database import Database
from storage.job_queue import JobStatus
from web.keys import MAILER, STORE
from web.pdf import available
from web.report_letter import compose

from ..smtp import Post, listening
from .house import JOB_SECONDS, UNKNOWN, House, live_session, running, tell

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANA = "ana@example.org"


@pytest.fixture(scope="module")
def post() -> Post:
    """The receiving side."""
    return Post()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mailing(tmp_path_factory: pytest.TempPathFactory, post: Post) -> AsyncIterator[House]:
    """A server that may send e-mail."""
    async with (
        listening(post) as port,
        running(
            tmp_path_factory.mktemp("mailing"), smtp_url=f"smtp://127.0.0.1:{port}", mail_from="PrepKit <r@prepkit.test>"
        ) as house,
    ):
        yield house


async def until(true: Callable[[], Any]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(JOB_SECONDS):
        while not true():
            await asyncio.sleep(0.05)


def letters_to(post: Post, address: str) -> list[Any]:
    """What arrived for somebody."""
    return [letter for letter in post.letters if letter["To"] == address]


async def wish_of(house: House, session_id: str) -> dict[str, Any]:
    """The wish as its owner sees it."""
    return (await house.call("GET", f"/api/interviews/{session_id}/report/mail"))[1]["mail"]


async def outcome(house: House, session_id: str) -> dict[str, Any]:
    """The wish once something became of it."""
    async with asyncio.timeout(JOB_SECONDS):
        while not ((mail := await wish_of(house, session_id))["sentAt"] or mail["failedAt"]):
            await asyncio.sleep(0.05)
    return mail


async def test_a_letter_with_the_reports_numbers_and_a_link(mailing: House, post: Post) -> None:
    """R-130: the same numbers as the report, a link to it, none of the candidate's words; one letter, whatever runs again."""
    session = await mailing.finished()
    report = (await mailing.call("GET", f"/api/interviews/{session.id}/report"))[1]
    status, body = await mailing.call("POST", f"/api/interviews/{session.id}/report/mail", json={"address": ANA})

    assert (202, ANA, None) == (status, body["mail"]["address"], body["mail"]["sentAt"])
    assert (await outcome(mailing, session.id))["sentAt"]
    (letter,) = letters_to(post, ANA)
    text, html = letter.get_body(("plain",)).get_content(), letter.get_body(("html",)).get_content()
    assert f"Overall: {report['overallScore']} of 100" in text
    assert f"{mailing.origin}/interviews/{session.id}/report" in text
    for question in report["questionAnalysis"]:
        assert f"Question {question['order']}: {question['userScore']} of 100" in text
        assert question["answer"][:40] not in text + html
    assert [] == list(letter.iter_attachments())

    await report_mail.due(mailing.store, session.id)
    again = {"sessionId": session.id, "requestedAt": datetime.now(UTC).isoformat(), "tries": 0}
    await report_mail.deliver(
        mailing.app[STORE], mailing.app[MAILER], lambda mail: compose(mailing.app, mail), again, lambda: datetime.now(UTC)
    )
    assert 1 == len(letters_to(post, ANA))


async def test_asked_for_before_the_report_is_there(mailing: House, post: Post) -> None:
    """The wish, made during the interview, waits for the report; the job that writes it has the letter sent."""
    live = (await live_session(mailing.store, mailing.user)).session
    address = "early@example.org"
    assert 202 == (await mailing.call("POST", f"/api/interviews/{live.id}/report/mail", json={"address": address}))[0]
    assert [] == letters_to(post, address)

    at_ms = await tell(mailing.store, live)
    await calling.finish(mailing.store, live.id, "finished", elapsed_ms=at_ms, now=datetime.now(UTC))
    await until(lambda: letters_to(post, address))


async def test_a_kill_between_sending_and_noting_repeats_the_same_letter(mailing: House, post: Post) -> None:
    """What was sent and not noted is sent again with the same Message-ID, so that mail programs show it once; noted, never again."""
    session = await mailing.finished()
    asked = await report_mail.ask(
        mailing.store, mailing.user, session.id, "twice@example.org", attach_pdf=False, now=datetime.now(UTC)
    )
    first = await compose(mailing.app, asked)
    assert first is not None
    mailer = mailing.app[MAILER]
    assert mailer is not None
    await mailer.send(first)  # and the process is gone

    await outcome(mailing, session.id)
    received = letters_to(post, "twice@example.org")
    assert [received[0]["Message-ID"]] * 2 == [letter["Message-ID"] for letter in received]

    newer = await report_mail.ask(
        mailing.store, mailing.user, session.id, "twice@example.org", attach_pdf=False, now=datetime.now(UTC)
    )
    other = await compose(mailing.app, newer)
    assert other is not None
    assert first.id != other.id


async def test_a_refused_address_is_told(mailing: House, post: Post) -> None:
    """550: not tried again, and the page says so."""
    session = await mailing.finished()
    post.answers = {"rcpt": "550 no such user"}
    try:
        await mailing.call("POST", f"/api/interviews/{session.id}/report/mail", json={"address": "nobody@example.org"})
        mail = await outcome(mailing, session.id)
    finally:
        post.answers = {}

    assert (None, True) == (mail["sentAt"], bool(mail["failedAt"]))
    page = (await mailing.fetch("GET", f"/interviews/{session.id}/report"))[1]
    assert "could not be delivered" in page


async def test_a_server_that_is_away_is_tried_later(mailing: House, post: Post) -> None:
    """4xx: the same wish waits in the queue for the next try, and is given up after the last."""
    session = await mailing.finished()
    post.answers = {"data": "451 later"}
    try:
        asked = await report_mail.ask(
            mailing.store, mailing.user, session.id, "later@example.org", attach_pdf=False, now=datetime.now(UTC)
        )
        key = f"{session.id}:{asked.requested_at.isoformat()}"
        assert isinstance(mailing.store, Database)
        async with asyncio.timeout(JOB_SECONDS):
            while await mailing.store.jobs.status(report_mail.MAIL_JOB, f"{key}:1") is not JobStatus.WAITING:
                await asyncio.sleep(0.05)
        assert (await wish_of(mailing, session.id))["failedAt"] is None

        last = {"sessionId": session.id, "requestedAt": asked.requested_at.isoformat(), "tries": len(report_mail.WAITS_SECONDS)}
        await report_mail.deliver(
            mailing.store, mailing.app[MAILER], lambda mail: compose(mailing.app, mail), last, lambda: datetime.now(UTC)
        )
    finally:
        post.answers = {}

    assert (await wish_of(mailing, session.id))["failedAt"]


@pytest.mark.skipif(not available(), reason="WeasyPrint or Pango is not on this machine")
@pytest.mark.timeout(120)
async def test_the_pdf_comes_only_when_asked_for(mailing: House, post: Post) -> None:
    """Opt-in: the report as a file, the same as the download."""
    session = await mailing.finished()
    address = "paper@example.org"
    await mailing.call("POST", f"/api/interviews/{session.id}/report/mail", json={"address": address, "attachPdf": True})
    async with asyncio.timeout(90):
        while not letters_to(post, address):
            await asyncio.sleep(0.1)

    (file,) = letters_to(post, address)[0].iter_attachments()
    assert file.get_content().startswith(b"%PDF-")
    assert re.fullmatch(r"interview-report-\d{4}-\d\d-\d\d\.pdf", file.get_filename())


@pytest.mark.parametrize("address", ["", "nobody", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f"])
async def test_what_is_no_address_is_refused(mailing: House, address: str) -> None:
    """Nothing is kept, and the message says why."""
    session = await mailing.finished()
    status, body = await mailing.call("POST", f"/api/interviews/{session.id}/report/mail", json={"address": address})

    assert (400, "invalid_input") == (status, body["error"]["code"])
    assert await wish_of(mailing, session.id) is None


async def test_taken_back_and_deleted(mailing: House, post: Post) -> None:
    """A wish taken back sends nothing; a deleted interview takes the address with it."""
    session = (await live_session(mailing.store, mailing.user)).session
    path = f"/api/interviews/{session.id}/report/mail"
    await mailing.call("POST", path, json={"address": "back@example.org"})
    assert (200, {"forgotten": True}) == await mailing.call("DELETE", path)
    assert await wish_of(mailing, session.id) is None

    await mailing.call("POST", path, json={"address": "gone@example.org"})
    asked = await report_mail.wish(mailing.store, mailing.user, session.id)
    assert asked is not None
    await mailing.call("DELETE", f"/api/interviews/{session.id}")
    payload = {"sessionId": session.id, "requestedAt": asked.requested_at.isoformat(), "tries": 0}
    await report_mail.deliver(
        mailing.store, mailing.app[MAILER], lambda mail: compose(mailing.app, mail), payload, lambda: datetime.now(UTC)
    )
    assert [] == letters_to(post, "gone@example.org") + letters_to(post, "back@example.org")


async def test_a_strangers_report_is_unknown(mailing: House) -> None:
    """Neither asked for, nor shown, nor taken back."""
    for method in ("POST", "GET", "DELETE"):
        options = {"json": {"address": ANA}} if method == "POST" else {}
        assert 404 == (await mailing.call(method, f"/api/interviews/{UNKNOWN}/report/mail", **options))[0]


async def test_nobody_is_flooded(mailing: House) -> None:
    """Twenty wishes an hour; the next one is told when to come back."""
    session = (await live_session(mailing.store, mailing.user)).session
    path = f"/api/interviews/{session.id}/report/mail"
    answers = [(await mailing.call("POST", path, json={"address": ANA}))[0] for _ in range(21)]

    # Other tests of this module have used some of the twenty.
    first = answers.index(429)
    assert [202] * first + [429] * (21 - first) == answers
