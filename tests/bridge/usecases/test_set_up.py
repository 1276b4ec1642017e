"""Making an interview, on a real database, with and without a model (R-018, R-037, C-40, C-59)."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import bank
from bridge.clients import gemini
from bridge.clients.gemini import Gemini, GeminiOptions, Sampling
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.setup import LANGUAGES, InterviewSetup, spoken_languages
from bridge.errors import NotFound
from bridge.language_model import Purpose
from bridge.usecases import calling, model_costs, privacy, set_up
from bridge.usecases.set_up import FORGOTTEN_SECONDS, Prepared, finish_forgotten, prepare
from storage.database import Database
from storage.migrate import migrate
from web.standins import question_writer
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.gemini_minds import StandinBrain

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
SETUP = InterviewSetup(InterviewType.SYSTEM_DESIGN, Difficulty.MEDIUM, 20, cv="Ten years of databases.")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch):
    """Attempts follow each other quickly, so that the tests do."""
    monkeypatch.setattr(gemini, "FIRST_PAUSE_SECONDS", 0.02)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("set-up") / "prepkit.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database."""
    shutil.copy(migrated, tmp_path / "prepkit.db")
    opened = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}", clock=lambda: NOW)
    yield opened
    await opened.close()


@pytest.fixture
async def user(store: Database) -> str:
    """The one user."""
    async with store.begin() as tx:
        return await tx.single_user()


@pytest.fixture
async def standin() -> AsyncIterator[GeminiStandin]:
    """Writes good questions unless told otherwise."""
    async with GeminiStandin(brain=StandinBrain().when(question_writer.write, purpose="questions")) as up:
        yield up


@pytest.fixture
async def model(standin: GeminiStandin, store: Database) -> AsyncIterator[Gemini]:
    """The real client, booking on the real ledger."""

    async def book(call: Any) -> None:
        await model_costs.book(store, call)

    sampling = Sampling("gemini-3.8-flash", 3000, 0.7, 0.95, 40, "low")
    made = Gemini(GeminiOptions("test-key", standin.url, dict.fromkeys(Purpose, sampling), trust_env=False), book)
    await made.open()
    yield made
    await made.close()


async def stored(store: Database, session_id: str) -> InterviewSession:
    """As the database has it."""
    async with store.read() as tx:
        session = await tx.session(session_id)
    assert session is not None
    return session


def minutes(session: InterviewSession) -> float:
    """Of all its questions."""
    return sum(question.minutes for question in session.questions)


async def test_from_the_bank(store: Database, user: str):
    """R-031, C-59: without a model an interview is ready at once; its minutes fit."""
    prepared = await prepare(store, None, user, SETUP, NOW)

    assert ("bank", None) == (prepared.questions_from, prepared.note)
    assert prepared.session == await stored(store, prepared.session.id)
    assert (SessionStatus.READY, 5, True) == (
        prepared.session.status,
        len(prepared.session.questions),
        17 <= minutes(prepared.session) <= 18,
    )


async def test_written_for_this_candidate(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-030, R-033: the model's questions, easier ones first, minutes shared out; the CV reached the model; nothing to note."""
    prepared = await prepare(store, model, user, SETUP, NOW)
    questions = prepared.session.questions

    assert ("gemini", None) == (prepared.questions_from, prepared.note)
    assert prepared.session == await stored(store, prepared.session.id)
    assert (SessionStatus.READY, SETUP) == (prepared.session.status, prepared.session.setup)
    assert sorted(q.rating for q in questions) == [q.rating for q in questions]
    assert 17 <= minutes(prepared.session) <= 18
    assert "Ten years of databases" in standin.requests[0].prompt


async def test_tokens_are_booked_on_the_interview(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """C-05: every request's tokens with their price, once."""
    prepared = await prepare(store, model, user, SETUP, NOW)
    await model.close()
    async with store.read() as tx:
        costs = await tx.costs(prepared.session.id)

    assert sum(call.spent.prompt for call in standin.requests) == sum(c.quantity for c in costs if c.item == "questions input")
    assert len(costs) == 2 * len(standin.requests)
    assert all(cost.amount_micros > 0 for cost in costs)


async def test_the_session_is_there_before_the_model_answers(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-018: status setup first, ready afterwards."""
    standin.latency = 0.3
    task = asyncio.create_task(prepare(store, model, user, SETUP, NOW))
    await standin.wait_for(lambda it: it.requests)
    async with store.read() as tx:
        (waiting,) = await tx.sessions_with([SessionStatus.SETUP])

    assert ((), SETUP) == (waiting.questions, waiting.setup)
    assert waiting.id == (await task).session.id


FAULTS = {
    "overloaded": (Kind.UNAVAILABLE, "because Gemini is overloaded just now"),
    "quota": (Kind.QUOTA, "because Gemini's quota is used up for now"),
    "filters": (Kind.SAFETY, "because Gemini's filters refused the request"),
    "another shape": (Kind.WRONG_SCHEMA, "because what Gemini wrote could not be used"),
    "reset": (Kind.RESET, "because Gemini cannot be reached just now"),
    "empty": (Kind.EMPTY, "because what Gemini wrote could not be used"),
}


@pytest.mark.parametrize("case", list(FAULTS))
async def test_when_the_model_fails_the_bank_is_there(
    store: Database, user: str, model: Gemini, standin: GeminiStandin, case: str
):
    """C-40, F7: an interview is made whatever happens, and says in words what happened."""
    kind, because = FAULTS[case]
    standin.faults.add(kind, count=None, seconds=60)
    prepared = await prepare(store, model, user, SETUP, NOW)

    assert "bank" == prepared.questions_from
    assert f"Your questions come from PrepKit's own collection, {because}. They do not know your documents." == prepared.note
    assert (SessionStatus.READY, 5) == (prepared.session.status, len((await stored(store, prepared.session.id)).questions))


async def test_the_bank_fills_what_is_missing(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-032: some written, some of the bank, none twice, and a word about it."""

    def write(request: Any) -> str:
        answer = json.loads(question_writer.write(request))
        return json.dumps({"questions": [q for q in answer["questions"] if q["number"] not in (2, 3)]})

    standin.brain = StandinBrain().when(write, purpose="questions")
    prepared = await prepare(store, model, user, SETUP, NOW)
    questions = prepared.session.questions

    assert "both" == prepared.questions_from
    assert "3 of your 5 questions were written for you; the rest come from PrepKit's own collection" in (prepared.note or "")
    assert (5, 5) == (len(questions), len({q.text for q in questions}))
    assert 17 <= minutes(prepared.session) <= 18


async def test_an_area_that_is_missing_is_filled_from_its_area(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-016: focus stays covered when the bank steps in."""

    def write(request: Any) -> str:
        answer = json.loads(question_writer.write(request))
        return json.dumps({"questions": [q for q in answer["questions"] if q["focusArea"] != "caching"]})

    standin.brain = StandinBrain().when(write, purpose="questions")
    setup = replace(SETUP, focus_areas=("caching", "api-design"))
    prepared = await prepare(store, model, user, setup, NOW)
    areas = [(q.focus_area, q.id.startswith("gm-")) for q in prepared.session.questions]

    assert areas.count(("caching", False)) == 3
    assert areas.count(("api-design", True)) == 2


async def test_what_was_asked_lately_is_told_and_left_out(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-037: questions of the last interviews reach the model, and none comes back."""
    first = await prepare(store, None, user, SETUP, NOW)
    _, token = await calling.start(store, user, first.session.id, "local", NOW)
    await calling.admit(store, first.session.id, token, NOW)
    second = await prepare(store, model, user, SETUP, NOW)

    assert all(q.text in json.loads(_block(standin.requests[0].prompt)) for q in first.session.questions)
    assert not {q.text for q in first.session.questions} & {q.text for q in second.session.questions}


def _block(prompt: str) -> str:
    return prompt.split("<earlier_questions>\n")[1].split("\n</earlier_questions>", maxsplit=1)[0]


async def test_nothing_is_lost_when_the_process_dies(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """Kill -9: a session without questions is finished from the bank after a minute, with all that the candidate chose."""
    standin.faults.add(Kind.HANG, count=None, seconds=20)
    task = asyncio.create_task(prepare(store, model, user, SETUP, NOW))
    await standin.wait_for(lambda it: it.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.read() as tx:
        (orphan,) = await tx.sessions_with([SessionStatus.SETUP])

    assert [] == await finish_forgotten(store, NOW + timedelta(seconds=FORGOTTEN_SECONDS))
    assert [orphan.id] == await finish_forgotten(store, NOW + timedelta(seconds=FORGOTTEN_SECONDS + 1))
    assert [] == await finish_forgotten(store, NOW + timedelta(hours=1))
    done = await stored(store, orphan.id)
    assert (SessionStatus.READY, SETUP, 5) == (done.status, done.setup, len(done.questions))


async def test_who_comes_late_changes_nothing(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """C-40: when the sweeper has finished a session, the model's late answer does not touch it."""
    standin.latency = 0.5
    task = asyncio.create_task(prepare(store, model, user, SETUP, NOW))
    await standin.wait_for(lambda it: it.requests)
    (session_id,) = await finish_forgotten(store, NOW + timedelta(hours=1))
    swept = await stored(store, session_id)
    prepared = await task

    assert swept == prepared.session == await stored(store, session_id)
    assert "bank" == prepared.questions_from


async def test_deleted_while_the_model_wrote(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """R-096: a deleted interview stays deleted and empty."""
    standin.latency = 0.5
    task = asyncio.create_task(prepare(store, model, user, SETUP, NOW))
    await standin.wait_for(lambda it: it.requests)
    async with store.read() as tx:
        (session,) = await tx.sessions_with([SessionStatus.SETUP])
    await privacy.delete_session(store, user, session.id, NOW)
    with pytest.raises(NotFound):
        await task

    assert (SessionStatus.DELETED, ()) == ((kept := await stored(store, session.id)).status, kept.questions)


# Languages ---------------------------------------------------------------------------------------------------------------
ALL = tuple(LANGUAGES)


async def test_in_another_language(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """An interview in a language that model and engine have."""
    prepared = await prepare(store, model, user, replace(SETUP, language="de"), NOW, languages=ALL)

    assert ("de", None) == (prepared.session.setup.language, prepared.note)
    assert "the candidate hears and of the words: German" in standin.requests[0].prompt


async def test_english_elsewhere(store: Database, user: str):
    """A server without model or engine for it says so."""
    prepared = await prepare(store, None, user, replace(SETUP, language="de"), NOW)

    assert "en" == (await stored(store, prepared.session.id)).setup.language
    assert prepared.note == "This interview is in English, because this server cannot hold one in German just now."


async def test_never_half_of_each(store: Database, user: str, model: Gemini, standin: GeminiStandin):
    """The bank is English: when one German question is missing, the whole interview is English."""
    standin.faults.add(Kind.SAFETY, contains="these places:\n1. focusArea")
    prepared = await prepare(store, model, user, replace(SETUP, language="de"), NOW, languages=ALL)

    assert ("bank", "en") == (prepared.questions_from, (await stored(store, prepared.session.id)).setup.language)
    assert "filters refused" in (prepared.note or "")
    assert "in English" in (prepared.note or "")


@pytest.mark.parametrize(
    ("engines", "has_model", "expected"),
    [
        (("local",), False, ("en",)),
        (("local",), True, ("en",)),
        (("vapi", "local"), False, ("en",)),
        (("vapi", "local"), True, ALL),
    ],
)
def test_which_languages_a_server_has(engines: tuple[str, ...], has_model: bool, expected: tuple[str, ...]):
    """Other languages need a model that writes and an engine that hears and speaks."""
    assert set(expected) == set(spoken_languages(engines, has_model=has_model))


def test_prepared_knows_the_origin():
    """`questionsFrom` is told by the ids alone."""
    question = bank.load(InterviewType.DSA)[0]
    session = InterviewSession("s", "u", SETUP, (question, replace(question, id="gm-1")), SessionStatus.READY, NOW)

    assert "both" == Prepared(session).questions_from
    assert set_up.RECENT_SESSIONS == 3
