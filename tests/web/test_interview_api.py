"""One interview over HTTP after set-up: look, start, complete, report, recording, history, delete, and whose it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import ReportStatus, SessionStatus
from bridge.domain.setup import InterviewSetup
from bridge.errors import BadTicket
from bridge.usecases import calling
from reporting.job import write_report

from .house import (
    AGREED,
    JOB_SECONDS,
    SETUP,
    STRANGER,
    UNKNOWN,
    House,
    add_recording,
    add_user,
    change,
    copy_for,
    finished_session,
    left,
    live_session,
    ready_session,
    tell,
    until_none,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def error(house: House, method: str, path: str) -> tuple[int, str]:
    """Status and code of a refusal."""
    status, body = await house.call(method, path)
    assert set(body) == {"error"}, body
    assert body["error"]["message"].endswith(".")
    return status, body["error"]["code"]


# Look ---------------------------------------------------------------------------------------------------------------
async def test_show_has_the_documented_fields(house: House):
    """R-091, contract 4: every documented field, times in UTC, the phase in the document's words."""
    session = await house.finished()

    status, body = await house.call("GET", f"/api/interviews/{session.id}")

    assert status == 200
    documented = {"sessionId", "status", "phase", "configuration", "questions", "transcript", "segments", "report"}
    assert documented | {"createdAt", "startedAt", "endedAt", "duration"} <= set(body)
    assert (session.id, "completed", "completed") == (body["sessionId"], body["status"], body["phase"])
    assert all(RFC3339.fullmatch(body[name]) for name in ("createdAt", "startedAt", "endedAt"))
    assert session.elapsed_ms // 1000 == body["duration"]
    assert body["report"]["sessionId"] == session.id


async def test_show_has_each_turn_and_its_segment(house: House):
    """R-091, M2: the transcript in order, each answer beside its own question."""
    session = await house.finished()

    _, body = await house.call("GET", f"/api/interviews/{session.id}")

    assert [turn["speaker"] for turn in body["transcript"]] == ["interviewer", "candidate"] * 3
    starts = [turn["startMs"] for turn in body["transcript"]]
    assert sorted(starts) == starts
    answers = {question.id: question.model_answer for question in session.questions}
    assert answers == {segment["questionId"]: segment["answer"] for segment in body["segments"]}


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        (SessionStatus.SETUP, "setup"),
        (SessionStatus.READY, "setup"),
        (SessionStatus.AWAITING_PAYMENT, "setup"),
        (SessionStatus.INITIATED, "in_progress"),
        (SessionStatus.IN_PROGRESS, "in_progress"),
        (SessionStatus.INTERRUPTED, "in_progress"),
        (SessionStatus.COMPLETED, "completed"),
        (SessionStatus.PARTIAL, "completed"),
        (SessionStatus.FAILED, "failed"),
        (SessionStatus.CANCELLED, "failed"),
    ],
)
async def test_phase_is_one_of_the_document_s_four(house: House, status: SessionStatus, phase: str):
    """C-29: each status is shown with the document's word for it."""
    session = await copy_for(house.store, await ready_session(house.store, house.user), status=status)

    _, body = await house.call("GET", f"/api/interviews/{session.id}")

    assert (status.value, phase) == (body["status"], body["phase"])


async def test_only_asked_questions_have_a_text_while_it_runs(house: House):
    """C-31: in a running interview the text of the first question is there, of the others not, and no key points."""
    session = (await live_session(house.store, house.user)).session
    await tell(house.store, session, answers=["A cache in front."], over=False)

    _, body = await house.call("GET", f"/api/interviews/{session.id}")

    assert [session.questions[0].text, None, None] == [view["text"] for view in body["questions"]]
    assert [view for view in body["questions"] if "expectedKeyPoints" in view] == []


# Start --------------------------------------------------------------------------------------------------------------
async def test_start_hands_out_a_call_and_its_token(house: House):
    """R-092, C-46, contract 4: call id, status, time, engine, one URL under two names, and a token that opens it."""
    session = await ready_session(house.store, house.user)

    status, body = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)

    assert (status, body["status"], body["engine"]) == (200, "initiated", "local")
    assert f"ws://127.0.0.1:{house.port}/ws/interviews/{session.id}" == body["bridgeUrl"] == body["vapiUrl"]
    assert body["callId"].startswith("local-")
    assert RFC3339.fullmatch(body["timestamp"])
    assert {"callId", "status", "timestamp", "engine", "bridgeUrl", "vapiUrl", "token"} == set(body)
    admission = await calling.admit(house.store, session.id, body["token"], datetime.now(UTC))
    assert SessionStatus.IN_PROGRESS is admission.session.status


async def test_start_again_replaces_the_token_not_the_call(house: House):
    """Contract 4, 5: a reloaded page gets a new token; a live interview keeps its call."""
    session = await ready_session(house.store, house.user)
    _, first = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)
    await calling.admit(house.store, session.id, first["token"], datetime.now(UTC))

    status, second = await house.call("POST", f"/api/interviews/{session.id}/start", json={})

    assert (200, first["callId"]) == (status, second["callId"])
    assert first["token"] != second["token"]
    with pytest.raises(BadTicket):
        await calling.admit(house.store, session.id, first["token"], datetime.now(UTC))


@pytest.mark.parametrize("status", ["completed", "partial", "failed", "cancelled", "setup"])
async def test_start_in_a_wrong_state(house: House, status: str):
    """R-092: 409 when it is over or not ready; nothing changes."""
    session = await copy_for(house.store, await ready_session(house.store, house.user), status=SessionStatus(status))

    assert await error(house, "POST", f"/api/interviews/{session.id}/start") == (409, "wrong_state")
    async with house.store.read() as tx:
        assert session == await tx.session(session.id)


async def test_no_token_is_kept_in_the_open(house: House):
    """Contract 5: the database file holds the token's hash, never the token."""
    session = await ready_session(house.store, house.user)
    _, body = await house.call("POST", f"/api/interviews/{session.id}/start", json=AGREED)

    stored = b"".join(path.read_bytes() for path in house.data_dir.glob("prepkit.db*"))

    assert body["callId"].encode() in stored
    assert body["token"].encode() not in stored


# Complete and report ------------------------------------------------------------------------------------------------
async def test_complete_ends_it_and_the_report_comes(house: House):
    """R-093, R-094, C-23: 202 at once, the job writes the report, 202 until 200; completing again changes nothing."""
    session = (await live_session(house.store, house.user)).session
    await tell(house.store, session)
    promised = {"reportGenerating": True, "estimatedTime": "a few seconds"}

    assert (202, promised) == await house.call("POST", f"/api/interviews/{session.id}/complete")
    async with house.store.read() as tx:
        ended = await tx.session(session.id)
    assert (202, promised) == await house.call("POST", f"/api/interviews/{session.id}/complete")

    seen = []
    async with asyncio.timeout(JOB_SECONDS):
        while True:
            response, _ = await house.fetch("GET", f"/api/interviews/{session.id}/report")
            if response.status == 200:
                break
            seen.append((response.status, response.headers.get("Retry-After")))
            await asyncio.sleep(0.1)
    assert {(202, "2")} >= set(seen)
    report = await response.json()
    assert (session.id, 3) == (report["sessionId"], len(report["questionAnalysis"]))
    async with house.store.read() as tx:
        after = await tx.session(session.id)
    assert ended is not None
    assert replace(ended, report_status=ReportStatus.READY) == after
    assert SessionStatus.COMPLETED is ended.status


@pytest.mark.parametrize("status", ["setup", "ready", "awaiting_payment", "initiated"])
async def test_complete_before_it_began(house: House, status: str):
    """R-093: 409 while there is nothing to report on; nothing changes."""
    made = await ready_session(house.store, house.user)
    session = await copy_for(house.store, made, status=SessionStatus(status))

    assert await error(house, "POST", f"/api/interviews/{session.id}/complete") == (409, "conflict")
    async with house.store.read() as tx:
        assert session == await tx.session(session.id)


@pytest.mark.parametrize(
    ("report_status", "step"),
    [
        (ReportStatus.QUEUED, "Waiting for its turn"),
        (ReportStatus.RUNNING, "Comparing your answers with the key points"),
        (ReportStatus.STALE, "Writing a newer version"),
    ],
)
async def test_a_report_in_the_making(house: House, report_status: ReportStatus, step: str):
    """R-094, C-60: 202 with the status, a step in words and when to ask again."""
    # Cancelled, because of completed ones the sweeper would have the report written.
    made = await ready_session(house.store, house.user)
    session = await copy_for(house.store, made, status=SessionStatus.CANCELLED, report_status=report_status)

    response, _ = await house.fetch("GET", f"/api/interviews/{session.id}/report")

    assert (response.status, response.headers["Retry-After"]) == (202, "2")
    assert {"reportStatus": report_status.value, "step": step} == await response.json()


@pytest.mark.parametrize("status", ["setup", "ready", "initiated", "in_progress", "interrupted"])
async def test_no_report_before_the_end(house: House, status: str):
    """R-094: 409 while the interview is not over."""
    made = await ready_session(house.store, house.user)
    session = await copy_for(house.store, made, status=SessionStatus(status))

    assert await error(house, "GET", f"/api/interviews/{session.id}/report") == (409, "conflict")


async def test_no_report_when_nothing_was_answered(house: House):
    """R-094, C-60: 409 with a reason when nothing was said or the report failed; the page says so, too."""
    silent = await house.finished(answers=[None, None, None])
    made = await ready_session(house.store, house.user)
    broken = await copy_for(house.store, made, status=SessionStatus.PARTIAL, report_status=ReportStatus.FAILED)

    assert SessionStatus.FAILED is silent.status
    for session in (silent, broken):
        assert await error(house, "GET", f"/api/interviews/{session.id}/report") == (409, "conflict")
        page, _ = await house.fetch("GET", f"/interviews/{session.id}/report")
        assert page.status == 200


async def test_the_same_report_is_written_once(house: House):
    """C-23: the job may run again; the report stays as it is, number and time included."""
    session = await house.finished()
    _, before = await house.call("GET", f"/api/interviews/{session.id}/report")

    await write_report(house.store, session.id)

    status, after = await house.call("GET", f"/api/interviews/{session.id}/report")
    # Where it stands among others is counted anew at each look.
    stands = {name for name in before if before[name] != after.get(name)}
    assert (200, set()) == (status, stands - {"comparison", "comparisonToStandards"})
    assert before["reportId"] == after["reportId"]


# Recording ----------------------------------------------------------------------------------------------------------
async def test_recording_is_served_whole(house: House):
    """R-053, contract 4: the WAV, byte for byte, with its type and without a file name of ours."""
    session = await house.finished()
    wav = await add_recording(house.recordings, session.id)

    async with house.client.get(f"{house.origin}/api/interviews/{session.id}/recording") as response:
        assert (200, wav) == (response.status, await response.read())
    assert response.headers["Content-Type"] == "audio/wav"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert session.id not in response.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-43", 0, 43), ("bytes=44-", 44, 32043), ("bytes=-4", 32040, 32043), ("bytes=32040-99999999", 32040, 32043)],
)
async def test_recording_ranges(house: House, asked: str, first: int, last: int):
    """Contract 4: a player may jump: 206 with exactly the bytes asked for."""
    session = await house.finished(report=False)
    wav = await add_recording(house.recordings, session.id)

    async with house.client.get(f"{house.origin}/api/interviews/{session.id}/recording", headers={"Range": asked}) as response:
        assert (206, wav[first : last + 1]) == (response.status, await response.read())
    assert f"bytes {first}-{last}/{len(wav)}" == response.headers["Content-Range"]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=5-1", "bytes=x-y", "pages=1-2"])
async def test_recording_ranges_that_make_no_sense(house: House, asked: str):
    """Contract 6: 416 with the size, never a 5xx."""
    session = await house.finished(report=False)
    wav = await add_recording(house.recordings, session.id)

    async with house.client.get(f"{house.origin}/api/interviews/{session.id}/recording", headers={"Range": asked}) as response:
        assert (416, f"bytes */{len(wav)}") == (response.status, response.headers["Content-Range"])


async def test_no_recording(house: House):
    """Contract 4: 404 in our shape when nothing was recorded."""
    session = await house.finished(report=False)

    assert await error(house, "GET", f"/api/interviews/{session.id}/recording") == (404, "not_found")


# Delete -------------------------------------------------------------------------------------------------------------
async def test_delete_hides_at_once_and_purges(house: House):
    """R-096, C-34: gone from every route at once; a job removes every word and the recording."""
    setup = replace(SETUP, specific_requirements="my secret project", company="Hidden Ltd")
    session = await finished_session(house.store, house.user, setup)
    await add_recording(house.recordings, session.id)

    status, answer = await house.call("DELETE", f"/api/interviews/{session.id}")
    assert (200, True) == (status, answer["deleted"])

    for method, tail in [("GET", ""), ("GET", "/report"), ("GET", "/recording"), ("POST", "/start"), ("POST", "/complete")]:
        assert await error(house, method, f"/api/interviews/{session.id}{tail}") == (404, "not_found")
    assert await error(house, "DELETE", f"/api/interviews/{session.id}") == (404, "not_found")
    _, listed = await house.call("GET", "/api/interviews/history?limit=100")
    assert session.id not in {row["sessionId"] for row in listed["interviews"]}

    async def remains() -> Any:
        async with house.store.read() as tx:
            return await left(tx, session.id) or house.recordings.has(session.id)

    await until_none(remains)
    async with house.store.read() as tx:
        bare = await tx.session(session.id)
    assert bare is not None
    assert (bare.setup.specific_requirements, bare.setup.company) == ("", "")


async def test_deleting_while_the_report_is_due_leaves_nothing(house: House):
    """C-34: an interview deleted before its report was written never gets one, whichever job comes first."""
    session = await house.finished(report=False)

    await house.call("DELETE", f"/api/interviews/{session.id}")

    async def remains() -> Any:
        async with house.store.read() as tx:
            return await left(tx, session.id)

    await until_none(remains)
    # The report's job may have come first or may still come: it finds the session deleted.
    await write_report(house.store, session.id)
    assert await remains() == []


@pytest.mark.parametrize("status", ["ready", "initiated", "interrupted", "failed", "cancelled"])
async def test_delete_in_any_state(house: House, status: str):
    """R-096: an interview may be deleted whenever its candidate likes."""
    made = await ready_session(house.store, house.user)
    session = await copy_for(house.store, made, status=SessionStatus(status))

    code, answer = await house.call("DELETE", f"/api/interviews/{session.id}")
    assert (200, True) == (code, answer["deleted"])
    assert await error(house, "GET", f"/api/interviews/{session.id}") == (404, "not_found")


# Whose it is --------------------------------------------------------------------------------------------------------
async def answers_of(house: House, session_id: str) -> dict[str, tuple[int, str, list[str]]]:
    """What each route that takes an id answers, without what is different each time."""
    found = {}
    for route in house.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        # An operator sees everybody's: test_operator_door.
        if "{session_id}" not in path or route.method == "HEAD" or "/operator/" in path:
            continue
        response, text = await house.fetch(route.method, path.replace("{session_id}", session_id))
        text = re.sub(r"\b[0-9a-f]{12}\b", "REFERENCE", text.replace(session_id, "ID"))
        found[f"{route.method} {path}"] = (response.status, text, sorted(response.headers))
    return found


@pytest.mark.parametrize("status", list(SessionStatus))
async def test_a_stranger_s_interview_does_not_exist(house: House, status: SessionStatus):
    """A1, R-091: on every route with an id, somebody else's interview is answered exactly as an unknown one, and is left alone."""
    await add_user(house.store)
    made = await finished_session(house.store, await add_user(house.store), report=True)
    await add_recording(house.recordings, made.id)
    session = await change(house.store, replace(made, status=status))
    try:
        assert await answers_of(house, UNKNOWN) == await answers_of(house, session.id)
        async with house.store.read() as tx:
            assert session == await tx.session(session.id)
    finally:
        await change(house.store, replace(session, status=SessionStatus.COMPLETED))


async def test_every_route_with_an_id_is_asked(house: House):
    """A1: the comparison above covers every route, and each says 404 or asks for a websocket first."""
    statuses = {route: answer[0] for route, answer in (await answers_of(house, UNKNOWN)).items()}

    assert statuses == {
        "GET /interviews/{session_id}": 404,
        "GET /interviews/{session_id}/report": 404,
        "GET /api/interviews/{session_id}": 404,
        "DELETE /api/interviews/{session_id}": 404,
        "POST /api/interviews/{session_id}/start": 404,
        "POST /api/interviews/{session_id}/complete": 404,
        "GET /api/interviews/{session_id}/report": 404,
        "POST /api/interviews/{session_id}/report": 404,
        "GET /api/interviews/{session_id}/report.pdf": 404,
        "GET /api/interviews/{session_id}/report/events": 404,
        "GET /api/interviews/{session_id}/report/versions": 404,
        "POST /api/interviews/{session_id}/share": 404,
        "GET /api/interviews/{session_id}/share": 404,
        "POST /api/interviews/{session_id}/feedback": 404,
        "POST /api/interviews/{session_id}/questions/{order}/again": 404,
        "POST /api/interviews/{session_id}/review": 404,
        "POST /api/interviews/{session_id}/report/mail": 501,
        "GET /api/interviews/{session_id}/report/mail": 501,
        "DELETE /api/interviews/{session_id}/report/mail": 404,
        "GET /api/interviews/{session_id}/feedback": 404,
        "GET /api/interviews/{session_id}/visits": 404,
        "DELETE /api/interviews/{session_id}/share/{share_id}": 404,
        "GET /api/interviews/{session_id}/consent": 404,
        "POST /api/interviews/{session_id}/consent": 404,
        "DELETE /api/interviews/{session_id}/consent": 404,
        "GET /api/interviews/{session_id}/recording": 404,
        "GET /ws/interviews/{session_id}": 400,
    }


async def test_a_stranger_s_socket_is_as_closed_as_an_unknown_one(house: House):
    """A1, contract 5: a token is good for its own interview only; both close 4401."""
    theirs = await ready_session(house.store, await add_user(house.store))
    mine = await ready_session(house.store, house.user)
    _, body = await house.call("POST", f"/api/interviews/{mine.id}/start", json=AGREED)
    closed = []

    for session_id in (theirs.id, UNKNOWN):
        async with house.client.ws_connect(f"{house.origin}/ws/interviews/{session_id}?token={body['token']}") as ws:
            closed.append((await ws.receive()).data)

    assert closed == [4401, 4401]


# History ------------------------------------------------------------------------------------------------------------
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def past(house: House) -> AsyncIterator[list[str]]:
    """Five interviews, newest first; in the future, so that they are newer than those of the other tests."""
    kinds = [
        (InterviewType.DSA, Difficulty.EASY, 5),
        (InterviewType.DSA, Difficulty.HARD, 20),
        (InterviewType.BEHAVIORAL, Difficulty.EASY, 5),
        (InterviewType.JAVASCRIPT, Difficulty.EXPERT, 30),
        (InterviewType.DSA, Difficulty.EASY, 5),
    ]
    future = datetime.now(UTC) + timedelta(days=100)
    ids = []
    for day, (interview_type, difficulty, minutes) in enumerate(kinds):
        setup = InterviewSetup(interview_type, difficulty, minutes, question_count=3)
        made = await finished_session(house.store, house.user, setup, now=future + timedelta(days=day))
        ids.insert(0, made.id)
    yield ids


async def history(house: House, query: str = "") -> dict[str, Any]:
    """The history's body."""
    status, body = await house.call("GET", f"/api/interviews/history{query}")
    assert status == 200, body
    return body


async def test_history_is_a_list_and_not_an_interview(house: House, past: list[str]):
    """R-095: `history` is not taken for a session's id; ten rows unless asked otherwise, newest first."""
    body = await history(house)

    assert {"interviews", "total", "page", "limit"} == set(body)
    assert (body["page"], body["limit"]) == (1, 10)
    assert past == [row["sessionId"] for row in body["interviews"][:5]]


async def test_a_history_row(house: House, past: list[str]):
    """R-095: session, type, difficulty, score, date, duration in seconds and status, nothing else."""
    row = (await history(house, "?limit=1"))["interviews"][0]
    _, shown = await house.call("GET", f"/api/interviews/{past[0]}")

    assert {
        "sessionId": past[0],
        "type": "dsa",
        "difficulty": "easy",
        "score": shown["report"]["overallScore"],
        "date": shown["createdAt"],
        "duration": shown["duration"],
        "status": "completed",
    } == row
    assert isinstance(row["score"], int)


async def test_history_pages(house: House, past: list[str]):
    """R-095: pages follow each other without a gap; beyond the last there is nothing, with the same total."""
    pages = [await history(house, f"?page={page}&limit=2") for page in (1, 2)]
    beyond = await history(house, "?page=9999&limit=100")

    assert past[:4] == [row["sessionId"] for page in pages for row in page["interviews"]]
    assert ([], pages[0]["total"]) == (beyond["interviews"], beyond["total"])


async def test_history_filters(house: House, past: list[str]):
    """R-095: by type and difficulty, alone and together; an empty filter is none; the total is the filtered one."""
    expert = await history(house, "?type=javascript&difficulty=expert")
    hard = await history(house, "?difficulty=HARD&type=")

    assert (past[1:2], 1) == ([row["sessionId"] for row in expert["interviews"]], expert["total"])
    assert (past[3:4], 1) == ([row["sessionId"] for row in hard["interviews"]], hard["total"])
    behavioral = await history(house, "?type=behavioral")
    assert past[2] in {row["sessionId"] for row in behavioral["interviews"]}
    assert {"behavioral"} == {row["type"] for row in behavioral["interviews"]}


async def test_history_page_shows_the_same(house: House, past: list[str]):
    """R-111: the page lists what the API lists, filtered likewise."""
    _, everything = await house.fetch("GET", "/history")
    _, filtered = await house.fetch("GET", "/history?type=javascript&difficulty=expert")

    assert past == [session_id for session_id in past if f"/interviews/{session_id}" in everything]
    assert past[1:2] == [session_id for session_id in past if f"/interviews/{session_id}" in filtered]


async def test_history_is_one_s_own(house: House, past: list[str]):
    """A1: somebody else's interviews are neither listed nor counted."""
    before = await history(house, "?type=machine-coding")
    setup = InterviewSetup(InterviewType.MACHINE_CODING, Difficulty.EASY, 5)
    await ready_session(house.store, await add_user(house.store, STRANGER), setup)

    assert before == await history(house, "?type=machine-coding")


# Pages --------------------------------------------------------------------------------------------------------------
async def test_an_interview_that_is_over_leads_to_its_report(house: House):
    """R-111: the live page of a finished interview sends on to the report, whose page has the score."""
    session = await house.finished()
    _, report = await house.call("GET", f"/api/interviews/{session.id}/report")

    response, _ = await house.fetch("GET", f"/interviews/{session.id}")
    page, html = await house.fetch("GET", f"/interviews/{session.id}/report")

    assert (303, f"/interviews/{session.id}/report") == (response.status, response.headers["Location"])
    assert page.status == 200
    assert str(report["overallScore"]) in html


@pytest.mark.parametrize("status", ["ready", "initiated", "in_progress", "interrupted"])
async def test_pages_of_an_interview_that_is_not_over(house: House, status: str):
    """R-111: the live page and the report's page both open, without a word of the questions."""
    made = await ready_session(house.store, house.user)
    session = await copy_for(house.store, made, status=SessionStatus(status))

    for path in (f"/interviews/{session.id}", f"/interviews/{session.id}/report"):
        response, html = await house.fetch("GET", path)
        assert (response.status, response.content_type) == (200, "text/html")
        assert [question.text for question in session.questions if question.text in html] == []
