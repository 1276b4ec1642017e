"""The interviewer's decisions in one live call: ask, listen, follow up, move on, keep the clock, close (R-045…R-050).

`Conductor` joins the pure `Agenda` with the durable `CallLog`. Its two tools are the same functions for every engine; the local interviewer calls them
itself and speaks the `Line` that comes of it. What awaits, awaits the director alone: everything else happens in one go, so that giving up a wait leaves
nothing half done. No pipecat here. Read next: `directing`, `pipeline.interviewer`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from ..domain import script
from ..domain.agenda import Agenda
from ..domain.events import CursorMoved, HintGiven, Noted, QuestionAsked, ToolAnswered
from ..domain.hints import allowance
from ..domain.intents import Intent, intent_of
from ..domain.judging import Judgement, Source
from ..domain.questions import FollowUp, Question
from ..domain.setup import Mode
from .call_log import CallLog
from .directing import Director
from .silence import Silence

FOLLOW_UP = "getFollowUpQuestion"
MOVE_ON = "moveToNextQuestion"
STILL_THINKING: dict[str, Any] = {"followUpQuestion": None, "moveOn": False, "source": Source.PREPARED.value}
"""To a vendor's interviewer that would go on while the candidate has asked for time."""
MAX_ARGUMENT = 4_000
"""Characters of an argument that are looked at."""


@dataclass(frozen=True)
class Line:
    """What the interviewer is to say: an optional bridge, then the text. `asks` is set when the text is a question."""

    text: str
    bridge: str = ""
    asks: QuestionAsked | None = None
    """Template of the event to append once the question begins to be heard; its `at_ms` is set then."""
    last: bool = False
    """The goodbye: the call ends when it has been said."""

    @property
    def spoken(self) -> str:
        """All that is said."""
        return f"{self.bridge} {self.text}".strip()


class Conductor:
    """Decisions of one call. `clock` gives milliseconds on the call clock; without a director only prepared follow-ups are asked."""

    def __init__(self, agenda: Agenda, log: CallLog, clock: Callable[[], int], director: Director | None = None) -> None:
        self.agenda = agenda
        self.director = director
        self.silence = Silence(agenda, log, clock)
        self._log = log
        self._clock = clock
        self._asking: Line | None = None
        """The question last put, for a repeat and for a barge-in that cut it off."""
        self._unshown: list[ToolAnswered] = []
        self._arguments: dict[str, dict[str, Any]] = {}
        """Of tool calls under way, by their ids."""
        self._storing: dict[str, asyncio.Future[int]] = {}
        """Tool call id → its answer's being stored."""
        self._answering: dict[str, asyncio.Task[ToolAnswered]] = {}
        """Tool call id → its answer, while it is waited for."""
        self._given: dict[str, FollowUp] = {}
        """Text of a follow-up → the follow-up, for those that were answered to a tool call."""

    # Beginning and end ----------------------------------------------------------------------------------------------
    def open(self, *, taking_over: bool = False) -> Line:
        """The first line of an engine: greeting and first question, or where we were, after a lost line or engine."""
        agenda = self.agenda
        if not agenda.transcript.segments and not agenda.over:
            first = agenda.questions[0]
            # An engine may have been lost before anything of it was heard.
            if agenda.position == 0:
                self._log.append(CursorMoved(at_ms=self._clock(), from_id=None, to_id=first.id, reason="opening"))
            return self._ask(first, script.greeting(agenda.setup, len(agenda.questions)))
        question = agenda.current
        if question is None:
            return replace(self.goodbye(), bridge=script.welcome_back(None, 0, "", taking_over=taking_over))
        said = agenda.answer(question.id)
        welcome = script.welcome_back(question, agenda.position, said, taking_over=taking_over)
        if said:
            self._ask(question, "")
            return Line(welcome)
        return self._ask(question, welcome)

    def goodbye(self) -> Line:
        """The closing line: encouragement and a short summary (R-050)."""
        agenda = self.agenda
        answered = [q for q in agenda.questions if len(agenda.answer(q.id).split()) >= 3]
        return Line(script.goodbye(agenda.setup, answered, len(agenda.questions)), last=True)

    def close(self, reason: str, bridge: str = "") -> Line:
        """Leave the questions now, for `reason` (end, time), and say goodbye."""
        current = self.agenda.current
        if not self.agenda.over:
            from_id = current.id if current else None
            self._log.append(CursorMoved(at_ms=self._clock(), from_id=from_id, to_id=None, reason=reason))
        return replace(self.goodbye(), bridge=bridge)

    # What the candidate does ----------------------------------------------------------------------------------------
    async def after_answer(self, utterance: str) -> Line | None:
        """The next line after the candidate's turn; None to keep listening."""
        agenda = self.agenda
        question = agenda.current
        if question is None:
            return self.goodbye()
        if self.silence.words(utterance):
            return None
        match intent_of(utterance):
            case Intent.REPEAT:
                return self.repeat()
            case Intent.NEXT:
                return self.skip()
            case Intent.HINT:
                return self.hint()
            case Intent.UNKNOWN:
                return await self._follow_up_or_move(question, script.BRIDGE_AFTER_UNKNOWN)
            case _:
                return await self._follow_up_or_move(question, "")

    async def done(self) -> Line | None:
        """The candidate says that this was the answer."""
        self.silence.end()
        question = self.agenda.current
        return await self._follow_up_or_move(question, "") if question else self.goodbye()

    def skip(self) -> Line:
        """The candidate asks for the next question (C-38: a request to the one cursor)."""
        self.silence.end()
        question = self.agenda.current
        if question is None:
            return self.goodbye()
        return self._move(question.id, script.BRIDGE_AFTER_SKIP, "skipped")

    def hint(self) -> Line:
        """A hint on the question on the floor, or the friendly word that there is none (M12)."""
        agenda = self.agenda
        question = agenda.current
        if question is None:
            return self.goodbye()
        of = allowance(agenda.setup)
        if (found := agenda.hint(question)) is None:
            self._log.append(Noted(at_ms=self._clock(), code="no_hint"))
            refusal = script.NO_HINTS if agenda.setup.mode is Mode.REAL else script.NO_MORE_HINTS if of else script.NO_HINTS_LEVEL
            return Line(refusal)
        n = of - agenda.hints_left(question) + 1
        self._log.append(HintGiven(at_ms=self._clock(), question_id=question.id, n=n, of=of, text=found.text, about=found.about))
        return Line(found.text, script.HINT)

    def repeat(self) -> Line:
        """The question on the floor once more."""
        return replace(self._asking, bridge=script.REPEAT) if self._asking else self.open()

    def ask_again(self) -> Line | None:
        """The question that a barge-in without an answer cut off, without a bridge; None when none is open."""
        return replace(self._asking, bridge="") if self._asking and not self.agenda.over else None

    # What the clock does --------------------------------------------------------------------------------------------
    def on_clock(self) -> Line | None:
        """A polite cut-in at the question's or the interview's end; None while there is time (R-049)."""
        agenda, now = self.agenda, self._clock()
        question = agenda.current
        if question is None:
            return None
        if agenda.out_of_time(now):
            return self.close("time", script.cut_in(agenda.position))
        if agenda.overrun(now):
            return self._move(question.id, script.cut_in(agenda.position), "time")
        return None

    # The two live tools ---------------------------------------------------------------------------------------------
    async def get_follow_up_question(self, question_id: str, tool_call_id: str | None = None, hint: str = "") -> ToolAnswered:
        """`{"followUpQuestion", "moveOn", "source"}` for the answer so far; the same call id gets the same answer (R-045)."""
        call_id = tool_call_id or f"local-{uuid4().hex[:12]}"
        if earlier := self.agenda.tool_answer(call_id):
            return earlier
        if tool_call_id is None:
            return await self._follow_up(call_id, question_id, hint)
        # The same call may come again while its answer is waited for.
        task = self._answering.get(call_id)
        if task is None:
            self._answering[call_id] = task = asyncio.create_task(self._follow_up(call_id, question_id, hint))
            task.add_done_callback(lambda _: self._answering.pop(call_id, None))
        return await asyncio.shield(task)

    async def _follow_up(self, call_id: str, question_id: str, hint: str) -> ToolAnswered:
        began = time.monotonic()
        question = next((each for each in self.agenda.questions if each.id == question_id), None)
        follow_up, source = None, Source.PREPARED
        if question is not None:
            judgement, source = await self._judgement(question, hint)
            decision = self.agenda.decide(question_id, self._clock(), hint, judgement, fresh=source is not Source.PREPARED)
            follow_up, source = decision.follow_up, source if decision.judged else Source.PREPARED
        result: dict[str, Any] = {
            "followUpQuestion": follow_up.text if follow_up else None,
            "moveOn": follow_up is None,
            "source": source.value,
        }
        if follow_up is not None:
            self._given[follow_up.text] = follow_up
        return self._answered(call_id, FOLLOW_UP, question_id, result, began)

    async def _judgement(self, question: Question, hint: str) -> tuple[Judgement | None, Source]:
        """What the director knows of the answer; nothing is waited for where no follow-up may be asked anyway."""
        if self.director is None:
            return None, Source.PREPARED
        if self.agenda.may_follow_up(question.id, self._clock()) and self.agenda.open_points(question, hint):
            return await self.director.judge(question, hint)
        known = self.director.knows(question.id)
        return known, Source.MEMORY if known else Source.PREPARED

    def move_to_next_question(self, question_id: str, tool_call_id: str | None = None, reason: str = "answered") -> ToolAnswered:
        """`{"nextQuestionId", "nextQuestion", "done"}`; moves the cursor once, a repeat gets the same next question (R-046)."""
        call_id = tool_call_id or f"local-{uuid4().hex[:12]}"
        if earlier := self.agenda.tool_answer(call_id):
            return earlier
        began = time.monotonic()
        moved, following = self.agenda.next_after(question_id, self._clock())
        if moved:
            to_id = following.id if following else None
            self._log.append(CursorMoved(at_ms=self._clock(), from_id=question_id, to_id=to_id, reason=reason))
        return self._answered(call_id, MOVE_ON, question_id, _next_result(following), began)

    async def tool(
        self, name: str, arguments: Mapping[str, Any], tool_call_id: str
    ) -> tuple[ToolAnswered, asyncio.Future[int] | None]:
        """One tool call of a vendor's interviewer: its answer, and the future of its being stored (None for a repeat).

        Arguments are what a model made up: a `currentQuestionId` and, as a hint, the `userResponse` (R-045, C-18).

        The question on the floor decides, whatever id the caller believes in; one that has not been heard yet is given again, so that the
        cursor moves at most once a question heard (R-046).
        """
        if earlier := self.agenda.tool_answer(tool_call_id):
            return earlier, None
        question_id, hint = (_text(arguments.get(name)) for name in ("currentQuestionId", "userResponse"))
        self._arguments[tool_call_id] = {"currentQuestionId": question_id} | ({"userResponse": hint} if hint else {})
        current = self.agenda.current
        known = question_id if question_id in {q.id for q in self.agenda.questions} else (current.id if current else "")
        if name == FOLLOW_UP and self.silence.held:
            answer = self._answered(tool_call_id, FOLLOW_UP, known, STILL_THINKING, time.monotonic())
        elif name == FOLLOW_UP:
            answer = await self.get_follow_up_question(known, tool_call_id, hint)
        elif current is not None and (current.id != known or known not in self.agenda.transcript.segments):
            # A caller who is behind is told where we are, not what came next at that time: nobody is sent back.
            answer = self._answered(tool_call_id, MOVE_ON, known, _next_result(current), time.monotonic())
        else:
            answer = self.move_to_next_question(known, tool_call_id)
        return answer, self._storing.get(tool_call_id)

    def asks_of(self, answer: ToolAnswered) -> QuestionAsked | None:
        """The question a tool's answer has the interviewer put, to be appended once it is heard."""
        result = answer.result
        if text := result.get("followUpQuestion"):
            question = self._question(answer.question_id)
            return self._asks(
                question, text, self.agenda.follow_up_number(question.id) + 1, self._about(question, text), answer.source
            )
        if following := result.get("nextQuestionId"):
            return self._asks(self._question(following), self._question(following).text, 0, None)
        return None

    def _question(self, question_id: str) -> Question:
        return next(question for question in self.agenda.questions if question.id == question_id)

    def _about(self, question: Question, text: str) -> str | None:
        """The key point a follow-up draws out; None for one given to an earlier leg."""
        known = self._given.get(text) or next((each for each in question.follow_ups if each.text == text), None)
        return known.about if known else None

    def _answered(self, call_id: str, tool: str, question_id: str, result: dict[str, Any], began: float) -> ToolAnswered:
        answer = ToolAnswered(
            at_ms=self._clock(),
            tool_call_id=call_id,
            tool=tool,
            question_id=question_id,
            arguments=self._arguments.pop(call_id, {"currentQuestionId": question_id}),
            result=result,
            source=result.get("source", Source.PREPARED.value),
            took_ms=int((time.monotonic() - began) * 1000),
        )
        self._storing[call_id] = stored = self._log.append(answer)
        stored.add_done_callback(lambda _: self._storing.pop(call_id, None))
        self._unshown.append(answer)
        return answer

    def take_unshown(self) -> list[ToolAnswered]:
        """Tool answers since the last call, for whoever shows them to a client."""
        taken, self._unshown = self._unshown, []
        return taken

    # Lines ----------------------------------------------------------------------------------------------------------
    async def _follow_up_or_move(self, question: Question, bridge: str) -> Line:
        answer = await self.get_follow_up_question(question.id)
        text = answer.result["followUpQuestion"]
        if text is None:
            return self._move(question.id, bridge or script.bridge_to_next(self.agenda.position), "answered")
        number = self.agenda.follow_up_number(question.id) + 1
        asks = self._asks(question, text, number, self._about(question, text), answer.source)
        self._asking = Line(text, bridge or script.bridge_to_follow_up(number - 1), asks)
        return self._asking

    def _move(self, question_id: str, bridge: str, reason: str) -> Line:
        result = self.move_to_next_question(question_id, reason=reason).result
        if result["done"]:
            return replace(self.goodbye(), bridge=bridge if reason == "time" else "")
        following = next(q for q in self.agenda.questions if q.id == result["nextQuestionId"])
        return self._ask(following, bridge)

    def _ask(self, question: Question, bridge: str) -> Line:
        self._asking = Line(question.spoken, bridge, self._asks(question, question.text, 0, None))
        return self._asking

    def _asks(
        self, question: Question, text: str, follow_up: int, about: str | None, source: str = Source.PREPARED.value
    ) -> QuestionAsked:
        n = [q.id for q in self.agenda.questions].index(question.id) + 1
        return QuestionAsked(
            at_ms=0,
            question_id=question.id,
            n=n,
            of=len(self.agenda.questions),
            text=text,
            follow_up=follow_up,
            about=about,
            source=source,
        )


def _text(argument: Any) -> str:
    return argument[:MAX_ARGUMENT] if isinstance(argument, str) else ""


def _next_result(following: Question | None) -> dict[str, Any]:
    return {
        "nextQuestionId": following.id if following else None,
        "nextQuestion": following.spoken if following else None,
        "done": following is None,
    }
