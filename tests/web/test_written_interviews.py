"""The whole application with a model: questions written for the candidate over the API, and a model that fails (R-018, R-030, C-40, F7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bridge.language_model import Purpose
from bridge.usecases import calling
from reporting.job import write_report
from web import language_model
from web.keys import SETTINGS
from web.standins import question_writer
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

from .house import AGREED, House, running, tell

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini() -> AsyncIterator[GeminiStandin]:
    """Writes good questions unless told otherwise."""
    async with GeminiStandin(brain=StandinBrain().when(question_writer.write, purpose="questions")) as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, gemini: GeminiStandin, no_rate_limit: None) -> AsyncIterator[House]:
    """A server with a key."""
    changes = {"gemini_api_key": "test-key", "gemini_base_url": gemini.url}
    async with running(tmp_path_factory.mktemp("written"), **changes) as up:
        yield up


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def fresh(gemini: GeminiStandin):
    """No faults, no delay, no memory."""
    gemini.faults.clear()
    gemini.latency = 0.0
    gemini.requests.clear()


async def test_questions_are_written_for_the_candidate(house: House, gemini: GeminiStandin):
    """R-030, R-033: over the API; the candidate's words reach the model, the questions keep their secrets."""
    made = await house.set_up(
        type="system-design", focusAreas=["caching"], specificRequirements="Billions of users", cv="Ten years of databases"
    )
    response, shown = await house.fetch("GET", f"/api/interviews/{made['sessionId']}")

    assert ("ready", "gemini", None, 5) == (made["status"], made["questionsFrom"], made["note"], len(made["questions"]))
    assert all(view["id"].startswith("gm-") and view["text"] is None for view in made["questions"])
    assert all("Billions of users" in call.prompt and "Ten years of databases" in call.prompt for call in gemini.requests)
    assert (200, True) == (response.status, '"text": null' in shown)


async def test_tokens_reach_the_ledger(house: House, gemini: GeminiStandin):
    """C-05: booked on the interview by the application's own wiring."""
    made = await house.set_up()
    async with asyncio.timeout(5):
        while True:
            async with house.store.read() as tx:
                costs = await tx.costs(made["sessionId"])
            if len(costs) == 2 * len(gemini.requests):
                break
            await asyncio.sleep(0.05)

    assert sum(call.spent.prompt for call in gemini.requests) == sum(c.quantity for c in costs if c.item == "questions input")


async def test_a_model_that_fails_costs_no_interview(house: House, gemini: GeminiStandin):
    """C-40, F7: the bank at once, and a word about it."""
    gemini.faults.add(Kind.SAFETY, count=None)
    made = await house.set_up(cv="Ten years")

    assert ("ready", "bank", 5) == (made["status"], made["questionsFrom"], len(made["questions"]))
    assert "filters refused the request. They do not know your documents." in made["note"]


async def test_others_are_served_while_questions_are_written(house: House, gemini: GeminiStandin):
    """C-40: a slow model holds nobody up, and the waiting session is there."""
    gemini.latency = 1.0
    task = asyncio.create_task(house.set_up())
    await gemini.wait_for(lambda it: it.requests)
    began = time.monotonic()
    _, history = await house.call("GET", "/api/interviews/history")
    took = time.monotonic() - began
    _, refused = await house.call("POST", f"/api/interviews/{history['interviews'][0]['sessionId']}/start", json=AGREED)
    made = await task

    assert took < 0.5
    assert "setup" == history["interviews"][0]["status"]
    assert "wrong_state" == refused["error"]["code"]
    assert made["sessionId"] == history["interviews"][0]["sessionId"]


async def test_a_written_interview_can_be_held(house: House):
    """R-030: asked, answered and reported on like any other; good answers show the written key points."""
    session_id = (await house.set_up(type="javascript"))["sessionId"]
    _, started = await house.call("POST", f"/api/interviews/{session_id}/start", json=AGREED)
    now = datetime.now(UTC)
    admission = await calling.admit(house.store, session_id, started["token"], now)
    at_ms = await tell(house.store, admission.session)
    await calling.finish(house.store, session_id, "finished", elapsed_ms=at_ms, now=now)
    await write_report(house.store, session_id)
    status, report = await house.call("GET", f"/api/interviews/{session_id}/report")

    assert status == 200
    assert report["overallScore"] > 70


async def test_the_pages_say_what_happens(house: House):
    """C-54: documents are offered, and Google is named among those who handle what a candidate says."""
    _, page = await house.fetch("GET", "/")
    _, privacy = await house.fetch("GET", "/privacy")

    assert 'id="cv-file"' in page
    assert 'id="jobDescription"' in page
    assert "Google (Gemini)" in privacy


async def test_every_purpose_has_its_settings(house: House):
    """R-034, R-083, C-28: the document's parameters are the defaults, each purpose on its own."""
    samplings = language_model.options(house.app[SETTINGS]).samplings
    chosen = {p: (s.temperature, s.top_p, s.top_k, s.max_tokens) for p, s in samplings.items()}

    assert {
        Purpose.QUESTIONS: (0.7, 0.95, 40, 3000),
        Purpose.LIVE: (None, None, None, 512),
        Purpose.REPORT: (0.5, 0.9, None, 4000),
    } == chosen
    assert all(s.model.startswith("gemini-3") for s in samplings.values())
