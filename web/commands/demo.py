"""`prepkit demo`: the same server on a throw-away folder, with five finished interviews made by the real use cases.

The interviews are told by the same conductor that holds live ones, on a clock of its own; answers are cut from the bank's model answers, more of them each
time, so that the trend rises. Nothing is recorded. Read next: `bridge.usecases.conducting`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loguru import logger

from bridge.config import Settings
from bridge.domain.agenda import Agenda
from bridge.domain.catalog import DIFFICULTIES, Difficulty, InterviewType
from bridge.domain.coverage import Shown, cover
from bridge.domain.events import LegEnded, LegStarted, Speaker, TurnRecorded, TurnSource
from bridge.domain.questions import Question
from bridge.domain.session import InterviewSession
from bridge.domain.setup import InterviewSetup
from bridge.ports import Store
from bridge.usecases import calling, set_up
from bridge.usecases.call_log import CallLog, Entry
from bridge.usecases.conducting import Conductor, Line
from reporting.job import write_report
from storage.database import Database
from storage.migrate import migrate

from ..rehearsal.sound import sentences
from ..server import run as run_server

INTERVIEWER_WORD_MS = 330
CANDIDATE_WORD_MS = 400
THINKING_MS = 2_600
TURN_END_MS = 1_100
FIRST_SHARE = 0.7
"""Share of an answer given before the follow-ups."""
UNKNOWN = "I don't know that one, sorry."
VALUES = {Shown.YES: 1.0, Shown.PARTLY: 0.5, Shown.NO: 0.0}


@dataclass(frozen=True)
class Past:
    """An interview of the made-up history."""

    days_ago: float
    type: InterviewType
    difficulty: Difficulty
    coverage: float
    """Share of the key points its answers come near to."""


HISTORY = (
    Past(23.1, InterviewType.BEHAVIORAL, Difficulty.EASY, 0.28),
    Past(16.8, InterviewType.JAVASCRIPT, Difficulty.EASY, 0.45),
    Past(11.2, InterviewType.DSA, Difficulty.MEDIUM, 0.60),
    Past(5.9, InterviewType.MACHINE_CODING, Difficulty.MEDIUM, 0.74),
    Past(1.3, InterviewType.SYSTEM_DESIGN, Difficulty.HARD, 0.90),
)


async def run(settings: Settings) -> None:
    """Seed and serve until told to stop; the folder is removed then."""
    with tempfile.TemporaryDirectory(prefix="prepkit-demo-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        own = settings.model_copy(update={"data_dir": data, "database_url": "", "recordings_url": ""})
        data.mkdir()
        await migrate(own.database)
        database = await Database.open(own.database)
        try:
            await seed(database, datetime.now(UTC))
        finally:
            await database.close()
        logger.info("Demonstration data is in {} and is removed when the server stops", data)
        await run_server(own, demo=True)


async def seed(store: Store, now: datetime) -> list[str]:
    """Make the history; returns the ids, oldest first."""
    async with store.begin() as tx:
        user_id = await tx.single_user()
    return [await _hold(store, user_id, past, now - timedelta(days=past.days_ago)) for past in HISTORY]


async def _hold(store: Store, user_id: str, past: Past, began: datetime) -> str:
    minutes = DIFFICULTIES[past.difficulty].default_minutes
    setup = InterviewSetup(type=past.type, difficulty=past.difficulty, duration_minutes=minutes)
    made = await set_up.set_up(store, user_id, setup, began - timedelta(minutes=1))
    _, token = await calling.start(store, user_id, made.id, "local", began)
    admission = await calling.admit(store, made.id, token, began)
    told = _Telling(store, admission, past.coverage)
    await told.tell()
    ended = began + timedelta(milliseconds=told.clock_ms)
    await calling.finish(store, made.id, told.reason, elapsed_ms=told.clock_ms, now=ended)
    async with store.begin() as tx:
        session = await tx.session(made.id, for_update=True)
        assert session is not None
        await tx.save_session(replace(session, has_recording=False))
    await write_report(store, made.id)
    return made.id


class _Telling:
    """One interview told at once, on its own clock."""

    def __init__(self, store: Store, admission: calling.Admission, coverage: float) -> None:
        session: InterviewSession = admission.session
        self.clock_ms = 0
        self.reason = "finished"
        self._agenda = Agenda(session.setup, session.questions, admission.events)
        self._log = CallLog(store, session.id, self._agenda, last_seq=admission.last_seq, on_stored=_ignore)
        self._conductor = Conductor(self._agenda, self._log, lambda: self.clock_ms)
        self._left = cuts(session.questions, coverage)
        self._turns = 0

    async def tell(self) -> None:
        """From greeting to goodbye; all of it is stored when this returns."""
        writer = asyncio.create_task(self._log.run())
        self._log.append(LegStarted(at_ms=0, leg=1, engine="local"))
        line = self._conductor.open()
        self._say(line)
        while not line.last:
            answer = self._answer()
            if timed := self._conductor.on_clock():
                line, self.reason = timed, "time" if timed.last else self.reason
            else:
                line = await self._conductor.after_answer(answer) or await self._conductor.done() or self._conductor.skip()
            self._say(line)
        self._log.append(LegEnded(at_ms=self.clock_ms, leg=1, reason=self.reason))
        self._log.close()
        await writer

    def _say(self, line: Line) -> None:
        if line.asks:
            bridge_ms = len(line.bridge.split()) * INTERVIEWER_WORD_MS
            self._log.append(replace(line.asks, at_ms=self.clock_ms + bridge_ms))
        self._turn(Speaker.INTERVIEWER, line.spoken, INTERVIEWER_WORD_MS, TurnSource.SCRIPT)

    def _answer(self) -> str:
        question = self._agenda.current
        assert question is not None
        left = self._left[question.id]
        first = not self._agenda.answer(question.id)
        count = max(1, round(FIRST_SHARE * len(left))) if first else len(left)
        text = " ".join(left[:count]) or UNKNOWN
        del left[:count]
        self.clock_ms += THINKING_MS
        self._turn(Speaker.CANDIDATE, text, CANDIDATE_WORD_MS, TurnSource.SPEECH)
        self.clock_ms += TURN_END_MS
        return text

    def _turn(self, speaker: Speaker, text: str, word_ms: int, source: TurnSource) -> None:
        self._turns += 1
        start_ms = self.clock_ms
        self.clock_ms += len(text.split()) * word_ms
        question = self._agenda.current
        self._log.append(
            TurnRecorded(
                at_ms=self.clock_ms, turn_id=f"demo-{self._turns}", speaker=speaker, text=text,
                question_id=question.id if question else None, start_ms=start_ms, end_ms=self.clock_ms, source=source,
            )
        )  # fmt: skip


def cuts(questions: Sequence[Question], coverage: float) -> dict[str, list[str]]:
    """The first sentences of each model answer, so many that all together come near this coverage of the key points."""
    found: dict[str, list[str]] = {}
    owed = 0.0
    for question in questions:
        model = sentences(question.model_answer)
        reached = [_coverage(question, model[:count]) for count in range(len(model) + 1)]
        count = min(range(len(reached)), key=lambda n: abs(reached[n] - coverage - owed))
        owed += coverage - reached[count]
        found[question.id] = model[:count]
    return found


def _coverage(question: Question, said: Sequence[str]) -> float:
    points = cover(question.key_points, " ".join(said))
    return sum(VALUES[point.shown] for point in points) / max(1, len(points))


async def _ignore(_: Entry) -> None:
    """Nobody waits for an acknowledgement."""
