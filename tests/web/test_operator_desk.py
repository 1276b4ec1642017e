"""After a call: candidates rate it and see who looked, operators find it again, jobs and reports run again, figures are served (M7, R-135, R-137)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.usecases.calling import REPORT_JOB
from storage.job_queue import JobStatus
from web.keys import JOBS

from .house import UNKNOWN, House, finished_session, ready_session, until_none

DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_candidate_rates_an_interview_and_operators_see_it(house: House) -> None:
    """R-135, R-137: 1 to 5 and a comment, replaced by a second one; on the figures page, as text; nothing before the end."""
    done, ready = await house.finished(), await ready_session(house.store, house.user)
    path = f"/api/interviews/{done.id}/feedback"
    assert (200, {"feedback": None}) == await house.call("GET", path)
    await house.call("POST", path, json={"rating": 2, "comment": "x"})
    status, body = await house.call("POST", path, json={"rating": 4, "comment": " <b>Kind</b> voice "})
    assert (200, 4, "<b>Kind</b> voice") == (status, body["feedback"]["rating"], body["feedback"]["comment"])
    assert body == (await house.call("GET", path))[1]
    _, page = await house.fetch("GET", "/operator/figures")
    assert "&lt;b&gt;Kind&lt;/b&gt; voice" in page
    assert done.id in (await house.fetch("GET", "/operator/sessions?rating=4"))[1]
    for rating in (0, 6, "5", 4.5, None, True):
        assert 422 == (await house.call("POST", path, json={"rating": rating}))[0]
    assert 422 == (await house.call("POST", path, json={"rating": 1, "comment": "x" * 2_001}))[0]
    assert 409 == (await house.call("POST", f"/api/interviews/{ready.id}/feedback", json={"rating": 5}))[0]
    assert 404 == (await house.call("POST", f"/api/interviews/{UNKNOWN}/feedback", json={"rating": 5}))[0]


async def test_the_candidate_sees_what_operators_did(house: House) -> None:
    """M7, A17: every look at an interview, newest first, in words; another's interview tells nothing."""
    done = await house.finished()
    assert {"visits": []} == (await house.call("GET", f"/api/interviews/{done.id}/visits"))[1]
    await house.fetch("GET", f"/operator/calls/{done.id}")
    await house.fetch("GET", f"/api/operator/calls/{done.id}/log")
    _, body = await house.call("GET", f"/api/interviews/{done.id}/visits")

    assert [("calls.download", "Downloaded its log"), ("calls.view", "Opened its page")] == [
        (visit["action"], visit["words"]) for visit in body["visits"]
    ]
    assert 404 == (await house.call("GET", f"/api/interviews/{UNKNOWN}/visits"))[0]


async def test_a_report_is_written_again(house: House) -> None:
    """M7: a ready one too; what was never finished has none to write."""
    done, ready = await house.finished(), await ready_session(house.store, house.user)
    status, _ = await house.call("POST", f"/api/operator/sessions/{done.id}/report", json={})
    assert 202 == status
    async with asyncio.timeout(20):
        while (await house.call("GET", f"/api/interviews/{done.id}"))[1]["reportStatus"] != "ready":
            await asyncio.sleep(0.1)
    assert 409 == (await house.call("POST", f"/api/operator/sessions/{ready.id}/report", json={}))[0]
    assert 409 == (await house.call("POST", f"/api/operator/sessions/{done.id}/refund", json={}))[0]


async def test_jobs_are_listed_and_a_failed_one_runs_again(house: House) -> None:
    """M7: a job that was given up is on the page and can be run again; one that was not is refused."""
    async with house.store.begin() as tx:
        await tx.enqueue("no-such-kind", "k-1", {})
    page = ""
    async with asyncio.timeout(120):
        while "no-such-kind" not in page:
            _, page = await house.fetch("GET", "/operator/jobs")
            await asyncio.sleep(0.2)
    assert "Write a report" in page or "Fill the statistics" in page
    assert 409 == (await house.call("POST", "/api/operator/jobs/retry", json={"kind": "write-report", "key": "unknown"}))[0]
    assert 422 == (await house.call("POST", "/api/operator/jobs/retry", json={"kind": "x"}))[0]


async def test_a_job_that_was_given_up_runs_again_to_its_end(house: House) -> None:
    """M7: a retry is the next run of the same work with the same payload, and a job that is done is not run again."""
    done = await house.finished(report=False)
    key = f"{done.id}:by-hand"
    async with house.store.begin() as tx:
        await tx.enqueue(REPORT_JOB, key, {"sessionId": done.id}, after_seconds=3_600)
    queue = house.app[JOBS]
    await queue.client.cancel_workflow_async(f"{REPORT_JOB}:{key}")
    assert JobStatus.FAILED is await queue.status(REPORT_JOB, key)
    assert key[:60] in (await house.fetch("GET", "/operator/jobs?show=failed"))[1]

    assert (202, {"queued": True}) == await house.call("POST", "/api/operator/jobs/retry", json={"kind": REPORT_JOB, "key": key})

    async def runs() -> bool:
        return await queue.status(REPORT_JOB, key) is not JobStatus.DONE

    await until_none(runs)
    assert "ready" == (await house.call("GET", f"/api/interviews/{done.id}"))[1]["reportStatus"]
    assert 409 == (await house.call("POST", "/api/operator/jobs/retry", json={"kind": REPORT_JOB, "key": key}))[0]


@pytest.mark.parametrize("query", ["", "?status=completed", "?since=2026-01-01", "?type=dsa&report=ready&engine=local&rating=5"])
async def test_sessions_are_searched(house: House, query: str) -> None:
    """M7: every filter gives a page."""
    response, _ = await house.fetch("GET", f"/operator/sessions{query}")

    assert 200 == response.status


@pytest.mark.parametrize("query", ["?status=cooking", "?page=0", "?rating=6", "?since=yesterday", "?id=%25"])
async def test_a_bad_search_is_refused_in_words(house: House, query: str) -> None:
    """Contract §6."""
    response, text = await house.fetch("GET", f"/operator/sessions{query}")

    assert 422 == response.status
    assert "<script>alert" not in text


async def test_the_figures_are_served(house: House) -> None:
    """R-140…R-155: over the API, computed; no price where nothing is paid (M7 of the money rows)."""
    await finished_session(house.store, house.user)
    _, body = await house.call("GET", "/api/operator/figures")
    found: dict[str, Any] = {figure["id"]: figure for figure in body["figures"]}
    _, page = await house.fetch("GET", "/operator/figures")

    assert {f"R-{n}" for n in range(140, 156)} <= set(found)
    assert found["R-140"]["value"] > 0
    assert found["R-155"]["value"] is not None
    assert "Revenue" not in page


async def test_prometheus_reads_documented_names_and_nothing_personal(house: House) -> None:
    """`/metrics`: every name it has is documented and the other way round; a request through a proxy needs the token."""
    done = await finished_session(house.store, house.user)
    response, text = await house.fetch("GET", "/metrics")
    names = {name for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE) if not name.endswith("_created")}
    documented = set(re.findall(r"`(prepkit_\w+)`", DOCUMENTED.read_text(encoding="utf-8")))
    refused, _ = await house.fetch("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.9"})

    assert response.content_type == "text/plain"
    assert names == documented
    assert re.search(r"^prepkit_calls_max \d", text, re.MULTILINE)
    assert re.search(r"^prepkit_database_seconds_count [1-9]", text, re.MULTILINE)
    assert done.id not in text
    assert house.user not in text
    assert 403 == refused.status
