"""Who speaks in a Live session: an interviewer who says what it was told to, and asks its tools what comes next.

`ScriptedInterviewer` knows no product: it looks the first line up in the instruction, gives a tool's parameters what their names ask for, and speaks
the text in a tool's result. Tests bring their own `LiveBrain`. A brain is copied when a session can be resumed. Read next: `gemini_live`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .gemini_filling import UNSET, Choices, Path, fill, sentences
from .gemini_material import json_values
from .gemini_setup import Setup, text_of

FOLLOW_UP, MOVE_ON = "getFollowUpQuestion", "moveToNextQuestion"
WELCOME = "Hello, and welcome. Please tell me about yourself."
GO_ON = "I see. Please go on."
TAKE_YOUR_TIME = "Take your time."
GOODBYE = "Thank you, that was the last question. Goodbye."
_QUOTED = re.compile(
    r"(?:say|begin with|open with|first (?:line|message|question))[^\"“\n]{0,60}[\"“]([^\"”\n]{8,600})[\"”]", re.IGNORECASE
)
_ORDER = re.compile(r"^\[[^\]]+\] say exactly[^\"“\n]{0,40}[\"“]([^\"”]+)[\"”]", re.IGNORECASE)
"""A line given in writing, by whoever directs the interviewer."""
_ID = re.compile(r"(?:question[_ ]?id|\bid)\W{1,4}([A-Za-z]+[-_]?\d[\w-]*|[0-9a-f-]{8,})", re.IGNORECASE)
_TEXT_KEYS = ("followUpQuestion", "nextQuestion", "say", "spoken", "text", "question", "message", "result", "output")


@dataclass(frozen=True)
class Say:
    """Speak this."""

    text: str


@dataclass(frozen=True)
class UseTool:
    """Call a function and go on with its result."""

    name: str
    args: dict[str, Any]


Act = Say | UseTool


class LiveBrain(Protocol):
    """Decides what a Live session does."""

    def begin(self, setup: Setup, history: Sequence[dict[str, Any]]) -> Sequence[Act]:
        """The first turn, after `history`."""
        ...

    def heard(self, text: str) -> Sequence[Act]:
        """After the candidate's utterance."""
        ...

    def result(self, name: str, response: dict[str, Any]) -> Sequence[Act]:
        """After a tool's result."""
        ...


@dataclass
class ScriptedInterviewer:
    """See above. `opening` is the first line, when a test gives it."""

    opening: str | None = None
    question_id: str = "q1"
    asked: str = ""
    """What was said last."""
    answer: str = ""
    """What was heard last."""
    setup: Setup | None = None
    over: bool = False

    def begin(self, setup: Setup, history: Sequence[dict[str, Any]]) -> Sequence[Act]:
        """The first line: given, quoted in the instruction, the first question in it, or a welcome; the last question again after a history."""
        self.setup = setup
        told = "\n".join(text_of(content) for content in history)
        said = "\n".join(text_of(content) for content in history if content.get("role") == "model")
        everything = f"{told}\n{setup.system}"
        if match := _ID.search(everything):
            self.question_id = match.group(1)
        return [self._say(self.opening or _last_question(said) or _first_line(told) or _first_line(setup.system) or WELCOME)]

    def heard(self, text: str) -> Sequence[Act]:
        """Say a line that is ordered; else ask for a follow-up; without that tool, for the next question; without any, go on listening aloud."""
        if order := _ORDER.match(text):
            return [self._say(order.group(1))]
        self.answer = text
        if self.over:
            return []
        for name in (FOLLOW_UP, MOVE_ON):
            if name in self._functions:
                return [self._use(name)]
        return [self._say(GO_ON)]

    def result(self, name: str, response: dict[str, Any]) -> Sequence[Act]:
        """Speak what came; move on where nothing did."""
        result = unpacked(response)
        if new_id := result.get("nextQuestionId"):
            self.question_id = str(new_id)
        if name == MOVE_ON and result.get("done"):
            self.over = True
            return [self._say(_spoken(result) or GOODBYE)]
        if text := _spoken(result):
            return [self._say(text)]
        if name == FOLLOW_UP and result.get("moveOn") is False:
            return [self._say(TAKE_YOUR_TIME)]
        if name == FOLLOW_UP and MOVE_ON in self._functions:
            return [self._use(MOVE_ON)]
        return [self._say(GO_ON)]

    @property
    def _functions(self) -> dict[str, dict[str, Any]]:
        return self.setup.functions if self.setup else {}

    def _say(self, text: str) -> Say:
        self.asked = text
        return Say(text)

    def _use(self, name: str) -> UseTool:
        schema = self._functions[name]
        return UseTool(name, fill(schema, self.answer, _Arguments(self)) if schema.get("properties") else {})


class _Arguments(Choices):
    """What a tool is told: ids of the question on the floor, the candidate's words."""

    def __init__(self, interviewer: ScriptedInterviewer) -> None:
        self._interviewer = interviewer

    def value(self, path: Path, schema: dict[str, Any]) -> Any:
        name = str(path[-1]).lower() if path else ""
        if name.endswith("id"):
            return self._interviewer.question_id
        if re.search(r"response|answer|said|transcript", name):
            return self._interviewer.answer
        return self._interviewer.asked if "question" in name else UNSET


def unpacked(response: dict[str, Any]) -> dict[str, Any]:
    """A tool's result as one dict: JSON in a string and nested results opened."""
    opened = dict(response)
    for value in response.values():
        inner = next(iter(json_values(value)), None) if isinstance(value, str) and value.lstrip().startswith("{") else value
        if isinstance(inner, dict):
            opened |= unpacked(inner)
    return opened


def _spoken(result: dict[str, Any]) -> str:
    for key in _TEXT_KEYS:
        value = result.get(key)
        if isinstance(value, str) and value and not _is_json(value):
            return value
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _first_line(text: str) -> str:
    if match := _QUOTED.search(text):
        return match.group(1)
    return next((line for line in sentences(text) if line.endswith("?")), "")


def _last_question(text: str) -> str:
    return next((line for line in reversed(sentences(text)) if line.endswith("?")), "")
