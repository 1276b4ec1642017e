"""Make an interview from a choice: its questions, its minutes, its language (R-018, R-037, C-40).

Without a model the questions come from the bundled bank, at once. With one the session is stored first, so that nothing is lost; the model writes for
this candidate within its budget, and the bank fills what is missing. A session whose process died in between is finished from the bank.
The candidate's recent questions are left out while others last. Read next: `write_questions`, `calling`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from .. import bank
from ..domain.catalog import question_count
from ..domain.question_checks import is_alike
from ..domain.question_plan import origin
from ..domain.questions import Question, choose, fit_minutes
from ..domain.session import InterviewSession, SessionStatus, move
from ..domain.setup import ENGLISH, LANGUAGES, InterviewSetup
from ..errors import NotFound, Trouble
from ..language_model import LanguageModel
from ..ports import Store, Tx
from .write_questions import Written, write_questions

RECENT_SESSIONS = 3
"""Interviews of the same type whose questions are not asked again (R-037)."""
FORGOTTEN_SECONDS = 60
"""A session still without questions after this long belongs to a process that is gone."""
OWN_COLLECTION = "PrepKit's own collection"
WHY = {
    Trouble.QUOTA: "Gemini's quota is used up for now",
    Trouble.TIMEOUT: "Gemini took too long",
    Trouble.OVERLOADED: "Gemini is overloaded just now",
    Trouble.UNREACHABLE: "Gemini cannot be reached just now",
    Trouble.CIRCUIT_OPEN: "Gemini is not working just now",
    Trouble.REFUSED_SAFETY: "Gemini's filters refused the request",
    Trouble.UNAUTHORISED: "Gemini does not accept this server's key",
    Trouble.UNKNOWN_MODEL: "Gemini does not know the model set on this server",
}
"""For the candidate; other troubles, and questions that failed our checks, are "what Gemini wrote could not be used"."""


@dataclass(frozen=True)
class Prepared:
    """An interview that may be started, and what the candidate should know about it."""

    session: InterviewSession
    note: str | None = None

    @property
    def questions_from(self) -> Literal["gemini", "bank", "both"]:
        """`gemini`, `bank` or `both`."""
        return origin([question.id for question in self.session.questions])


async def set_up(store: Store, user_id: str, setup: InterviewSetup, now: datetime) -> InterviewSession:
    """Choose the questions from the bank and store the session, ready to start."""
    async with store.read() as tx:
        recent = await tx.recent_question_ids(user_id, setup.type.value, sessions=RECENT_SESSIONS)
    session = _session(user_id, setup, now, questions=_from_bank(setup, recent), status=SessionStatus.READY)
    async with store.begin() as tx:
        await tx.add_session(session)
    return session


async def prepare(
    store: Store,
    model: LanguageModel | None,
    user_id: str,
    setup: InterviewSetup,
    now: datetime,
    *,
    languages: Collection[str] = (ENGLISH,),
) -> Prepared:
    """An interview for this candidate: written by the model where there is one, in one of `languages`, in English else."""
    wanted = setup.language
    if wanted not in languages:
        setup = replace(setup, language=ENGLISH)
    spoken_note = _language_note(wanted) if setup.language != wanted else None
    if model is None:
        return Prepared(await set_up(store, user_id, setup, now), spoken_note)
    session = _session(user_id, setup, now)
    async with store.begin() as tx:
        await tx.add_session(session)
        ids = await tx.recent_question_ids(user_id, setup.type.value, sessions=RECENT_SESSIONS)
        texts = await tx.recent_question_texts(user_id, setup.type.value, sessions=RECENT_SESSIONS)
    written = await write_questions(model, session.id, setup, _count(setup), texts)
    if written.missing and setup.language != ENGLISH:
        # The bank is English, and half an interview in each language is none.
        written = Written((), written.missing, written.trouble)
        setup = replace(setup, language=ENGLISH)
        spoken_note = _language_note(wanted)
    questions = _filled(setup, written, ids)
    done = await _finish(store, session.id, setup, questions)
    note = _origin_note(setup, written, len(questions))
    return Prepared(done, " ".join(part for part in (note, spoken_note) if part) or None)


async def finish_forgotten(store: Store, now: datetime) -> list[str]:
    """Give sessions that were never finished their questions, from the bank; their ids. For the sweeper."""
    async with store.read() as tx:
        unfinished = await tx.sessions_with([SessionStatus.SETUP])
    forgotten = [s for s in unfinished if now - s.created_at > timedelta(seconds=FORGOTTEN_SECONDS)]
    for session in forgotten:
        async with store.read() as tx:
            recent = await tx.recent_question_ids(session.user_id, session.setup.type.value, sessions=RECENT_SESSIONS)
        setup = replace(session.setup, language=ENGLISH)
        await _finish(store, session.id, setup, _from_bank(setup, recent))
    return [session.id for session in forgotten]


async def _finish(store: Store, session_id: str, setup: InterviewSetup, questions: tuple[Question, ...]) -> InterviewSession:
    """Make the session ready. What somebody else has finished meanwhile stays. Raises NotFound for one that was deleted."""
    async with store.begin() as tx:
        session = await _locked(tx, session_id)
        if session.status is not SessionStatus.SETUP:
            return session
        done = replace(move(session, SessionStatus.READY), setup=setup, questions=questions)
        await tx.finish_set_up(done)
        return done


async def _locked(tx: Tx, session_id: str) -> InterviewSession:
    session = await tx.session(session_id, for_update=True)
    if session is None or session.status is SessionStatus.DELETED:
        raise NotFound("There is no such interview.")
    return session


def _session(
    user_id: str,
    setup: InterviewSetup,
    now: datetime,
    *,
    questions: tuple[Question, ...] = (),
    status: SessionStatus = SessionStatus.SETUP,
) -> InterviewSession:
    return InterviewSession(id=str(uuid4()), user_id=user_id, setup=setup, questions=questions, status=status, created_at=now)


def _count(setup: InterviewSetup) -> int:
    return question_count(setup.difficulty, setup.duration_minutes, setup.question_count)


def _from_bank(
    setup: InterviewSetup, recent: Collection[str], *, count: int | None = None, areas: tuple[str, ...] | None = None
) -> tuple[Question, ...]:
    return choose(
        bank.load(setup.type),
        interview_type=setup.type,
        difficulty=setup.difficulty,
        focus_areas=setup.focus_areas if areas is None else areas,
        count=_count(setup) if count is None else count,
        duration_minutes=setup.duration_minutes,
        recent=recent,
        seed=secrets.randbits(32),
    )


def _filled(setup: InterviewSetup, written: Written, recent: Collection[str]) -> tuple[Question, ...]:
    """The written questions with the bank's for what is missing, easier ones first, minutes shared out among all (C-59)."""
    if not written.questions:
        return _from_bank(setup, recent)
    chosen = list(written.questions)
    if written.missing:
        texts = [question.text for question in chosen]
        taken = {question.id for question in bank.load(setup.type) if is_alike(question.text, texts)}
        areas = tuple(slot.area for slot in written.missing if slot.area) or setup.focus_areas
        chosen += _from_bank(setup, {*recent, *taken}, count=len(written.missing), areas=areas)
    chosen.sort(key=lambda question: question.rating)
    return fit_minutes(chosen, setup.duration_minutes)


def _origin_note(setup: InterviewSetup, written: Written, count: int) -> str | None:
    """What the candidate should know when not all questions were written for them."""
    if not written.missing:
        return None
    reason = "what Gemini wrote could not be used"
    if written.trouble is not None:
        reason = WHY.get(written.trouble, reason)
    if not written.questions:
        unread = " They do not know your documents." if setup.cv or setup.job_description else ""
        return f"Your questions come from {OWN_COLLECTION}, because {reason}.{unread}"
    n = len(written.questions)
    return f"{n} of your {count} questions {'was' if n == 1 else 'were'} written for you; the rest come from {OWN_COLLECTION}, because {reason}."


def _language_note(wanted: str) -> str:
    name = LANGUAGES[wanted].english_name if wanted in LANGUAGES else "that language"
    return f"This interview is in English, because this server cannot hold one in {name} just now."
