"""What has happened in a call, as frozen dataclasses: the append-only log that everything else is folded from (M1).

Each event carries `at_ms`, milliseconds on the call clock, which runs only while a candidate is connected and is the recording's own
time line. `to_json`/`from_json` are the stored form. Read next: `agenda`, `segments` (the folds).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class Speaker(StrEnum):
    """Who said it."""

    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


class TurnSource(StrEnum):
    """How the words reached us."""

    SPEECH = "speech"
    TYPED = "typed"
    BROWSER = "browser"
    """The browser's own speech recognition."""
    SCRIPT = "script"
    """The interviewer's own line."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at `at_ms` on the call clock."""

    kind: ClassVar[str] = ""
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class LegStarted(Event):
    """A candidate connected; the first one starts the interview, later ones resume it."""

    kind = "leg-started"
    leg: int
    engine: str


@dataclass(frozen=True, kw_only=True)
class LegEnded(Event):
    """The candidate's connection ended, for `reason` (lost, replaced, finished, drained)."""

    kind = "leg-ended"
    leg: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class EngineChanged(Event):
    """The voice engine was lost for `reason` and another one took the interview over (M2)."""

    kind = "engine-changed"
    from_engine: str
    to_engine: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CursorMoved(Event):
    """The question cursor moved by compare-and-set; `to_id` None means the questions are over."""

    kind = "cursor-moved"
    from_id: str | None
    to_id: str | None
    reason: str
    """opening, answered, skipped, time, end."""


@dataclass(frozen=True, kw_only=True)
class QuestionAsked(Event):
    """The interviewer begins to say the question (`follow_up` 0) or its n-th follow-up."""

    kind = "question-asked"
    question_id: str
    n: int
    of: int
    text: str
    follow_up: int = 0
    about: str | None = None
    """Key point a follow-up draws out."""
    source: str = "prepared"


@dataclass(frozen=True, kw_only=True)
class TurnRecorded(Event):
    """Words of one speaker. The same `turn_id` may come again with more text until `final`."""

    kind = "turn-recorded"
    turn_id: str
    speaker: Speaker
    text: str
    question_id: str | None
    start_ms: int
    end_ms: int
    source: TurnSource
    final: bool = True
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class ToolAnswered(Event):
    """A live tool gave its answer; the same `tool_call_id` always gets this one again."""

    kind = "tool-answered"
    tool_call_id: str
    tool: str
    question_id: str
    arguments: dict[str, Any] = field(default_factory=dict)
    """What the caller gave, as far as it was looked at."""
    result: dict[str, Any] = field(default_factory=dict)
    source: str = "prepared"
    took_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """Something the candidate was told or did that is neither words nor cursor: mute, pause, notice."""

    kind = "noted"
    code: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class HintGiven(Event):
    """In study mode the candidate asked for a hint and was given the `n`-th of `of` for this question; the report shows it."""

    kind = "hint-given"
    question_id: str
    n: int
    of: int
    text: str
    about: str | None = None
    """Key point it leads to."""


@dataclass(frozen=True, kw_only=True)
class OperatorActed(Event):
    """An operator did something in this call; `told` is what the candidate was shown of it at that moment (M7)."""

    kind = "operator-acted"
    action: str
    """listen, listen-end, whisper, say, extend, end."""
    text: str = ""
    """What was whispered or said."""
    minutes: int = 0
    """Added to the interview."""
    told: str = ""
    """Empty: shown only in the list of what operators did, which the candidate can always see."""


@dataclass(frozen=True, kw_only=True)
class InterviewEnded(Event):
    """The interview is over: finished, ended_by_candidate, ended_by_operator, consent_withdrawn, time, abandoned, drained."""

    kind = "interview-ended"
    reason: str


EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        LegStarted,
        LegEnded,
        EngineChanged,
        CursorMoved,
        QuestionAsked,
        TurnRecorded,
        ToolAnswered,
        Noted,
        HintGiven,
        OperatorActed,
        InterviewEnded,
    )
}


def to_json(event: Event) -> dict[str, Any]:
    """The event's fields without `kind` and `at_ms`, as JSON-ready values."""
    data = asdict(event)
    data.pop("at_ms")
    return data


def from_json(kind: str, at_ms: int, data: dict[str, Any]) -> Event:
    """The event a stored row holds. Raises KeyError for an unknown kind."""
    values = dict(data)
    if kind == TurnRecorded.kind:
        values |= {"speaker": Speaker(values["speaker"]), "source": TurnSource(values["source"])}
    return EVENTS[kind](at_ms=at_ms, **values)
