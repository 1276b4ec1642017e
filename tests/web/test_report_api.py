"""Following a report while it is written, and trying a failed one again (R-086, C-60)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bridge.domain.session import InterviewSession, ReportStatus, SessionStatus

from .house import JOB_SECONDS, STRANGER, UNKNOWN, House, add_user, change, copy_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def told(response: aiohttp.ClientResponse) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a stream, until it ends."""
    async with asyncio.timeout(JOB_SECONDS):
        text = await response.text()
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


async def status_is(house: House, session: InterviewSession, status: ReportStatus) -> None:
    """Wait until the report stands there."""
    async with asyncio.timeout(JOB_SECONDS):
        while True:
            async with house.store.read() as tx:
                stored = await tx.session(session.id)
            if stored is not None and stored.report_status is status:
                return
            await asyncio.sleep(0.02)


async def test_steps_are_told_as_they_happen(house: House) -> None:
    """R-086: each named step once, in order, then the end; no cache between."""
    made = await change(house.store, replace(await house.finished(), report_status=ReportStatus.QUEUED))
    async with house.client.get(f"{house.origin}/api/interviews/{made.id}/report/events") as response:
        assert ("text/event-stream", "no-store") == (response.headers["Content-Type"], response.headers["Cache-Control"])
        first = await response.content.readuntil(b"\n\n")
        assert b'event: step\ndata: {"reportStatus": "queued", "step": "Waiting for its turn"}\n\n' == first
        await change(house.store, replace(made, report_status=ReportStatus.RUNNING))
        second = await response.content.readuntil(b"\n\n")
        assert b'"reportStatus": "running", "step": "Comparing your answers with the key points"' in second
        await change(house.store, replace(made, report_status=ReportStatus.READY))
        assert [("end", {"reportStatus": "ready"})] == await told(response)


@pytest.mark.parametrize("status", [ReportStatus.READY, ReportStatus.FAILED, ReportStatus.NONE])
async def test_what_is_over_ends_at_once(house: House, status: ReportStatus) -> None:
    """R-086: nobody waits for what will not come."""
    made = await change(house.store, replace(await house.finished(), report_status=status))
    async with house.client.get(f"{house.origin}/api/interviews/{made.id}/report/events") as response:
        assert [("end", {"reportStatus": status.value})] == await told(response)


async def test_a_stream_ends_with_its_interview(house: House) -> None:
    """R-115: deleting while somebody watches is no error on either side."""
    made = await change(house.store, replace(await house.finished(), report_status=ReportStatus.QUEUED))
    async with house.client.get(f"{house.origin}/api/interviews/{made.id}/report/events") as response:
        await response.content.readuntil(b"\n\n")
        assert 200 == (await house.call("DELETE", f"/api/interviews/{made.id}"))[0]
        async with asyncio.timeout(JOB_SECONDS):
            assert b"" == await response.content.read()


async def test_who_goes_away_is_forgotten(house: House) -> None:
    """M1: a closed page leaves no error behind."""
    made = await change(house.store, replace(await house.finished(), report_status=ReportStatus.QUEUED))
    async with house.client.get(f"{house.origin}/api/interviews/{made.id}/report/events") as response:
        await response.content.readuntil(b"\n\n")
    await change(house.store, replace(made, report_status=ReportStatus.RUNNING))
    await asyncio.sleep(1)
    assert 200 == (await house.fetch("GET", "/healthz"))[0].status


async def test_a_failed_report_is_tried_again(house: House) -> None:
    """C-60: 409 and a button; 202 and a new try; then the report."""
    made = await house.finished(report=False)
    await status_is(house, made, ReportStatus.READY)
    async with house.store.begin() as tx:
        await tx.purge_session(made.id)
        session = await tx.session(made.id)
        assert session is not None
        await tx.save_session(replace(session, report_status=ReportStatus.FAILED))
    address = f"/api/interviews/{made.id}/report"
    status, body = await house.call("GET", address)
    assert (409, "conflict") == (status, body["error"]["code"])
    _, page = await house.fetch("GET", f"/interviews/{made.id}/report")
    assert 'id="retry"' in page
    assert "The report could not be written" in page

    status, body = await house.call("POST", address)
    assert (202, "queued") == (status, body["reportStatus"])
    # Its words are gone, so the second try finds that there is nothing to report on.
    await status_is(house, made, ReportStatus.NONE)


async def test_only_what_failed_is_tried_again(house: House) -> None:
    """C-60: 409 for a report that is there; under way it is left alone."""
    made = await house.finished()
    status, body = await house.call("POST", f"/api/interviews/{made.id}/report")
    assert (409, "There is no failed report to try again.") == (status, body["error"]["message"])
    await change(house.store, replace(made, report_status=ReportStatus.RUNNING))
    assert (202, "running") == (
        (answer := await house.call("POST", f"/api/interviews/{made.id}/report"))[0],
        answer[1]["reportStatus"],
    )


async def test_an_interview_that_still_runs_has_no_stream(house: House) -> None:
    """409 in words."""
    made = await copy_for(house.store, await house.finished(), status=SessionStatus.READY, call_id=None)
    status, body = await house.call("GET", f"/api/interviews/{made.id}/report/events")

    assert (409, "The report is written when the interview is over.") == (status, body["error"]["message"])


async def test_a_strangers_report_is_unknown(house: House) -> None:
    """A1."""
    await add_user(house.store)
    theirs = await copy_for(house.store, await house.finished(), user_id=STRANGER, call_id=None)
    for session_id in (theirs.id, UNKNOWN):
        assert 404 == (await house.call("POST", f"/api/interviews/{session_id}/report"))[0]
        assert 404 == (await house.call("GET", f"/api/interviews/{session_id}/report/events"))[0]


async def test_without_a_mail_server_nothing_is_offered(house: House) -> None:
    """Contract §3: no page says a word of e-mail, and the API says what is missing."""
    session = await house.finished()
    page = (await house.fetch("GET", f"/interviews/{session.id}/report"))[1]
    status, body = await house.call("POST", f"/api/interviews/{session.id}/report/mail", json={"address": "a@example.org"})

    assert "mail-form" not in page
    assert "report-mail.js" not in page
    assert (501, "not_installed") == (status, body["error"]["code"])
