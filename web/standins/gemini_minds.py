"""The stand-in's own brain: what a call is for, and the answer to it. Deterministic, and valid for whatever schema the call brings.

`StandinBrain.when` puts an answer of a test's own in front of all that. Read next: `gemini_choices`, `gemini_filling`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .gemini_answers import SIGNATURE, Answer, Brain, Part, Request, as_answer
from .gemini_checks import check_tool_schemas, declared
from .gemini_choices import Decider
from .gemini_filling import Choices, fill, sentences
from .gemini_reviewer import Grading, Reviewer
from .gemini_writing import QuestionWriter

QUESTIONS, FOLLOW_UP, GRADING, REPORT, OTHER = "questions", "follow-up", "grading", "report", "other"


@dataclass(frozen=True)
class Rule:
    """A call is for `purpose` when its text has all of `contains` and its schema a field whose name has one of `fields`."""

    purpose: str
    contains: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    top: bool = False
    """Only the fields of the root count."""

    def fits(self, request: Request) -> bool:
        """Whether the rule holds."""
        names = set(_names(request.schema or {}, top=self.top))
        return all(words in request.text for words in self.contains) and (
            not self.fields or any(field in name for field in self.fields for name in names)
        )


RULES = (
    Rule(QUESTIONS, fields=("questions",), top=True),
    Rule(FOLLOW_UP, fields=("followup", "moveon", "decision", "nextaction")),
    Rule(GRADING, fields=("score", "covered", "shown", "verdict", "points", "grade", "rating", "quote")),
    Rule(REPORT, fields=("summary", "strength", "recommend", "weakness")),
)


def _names(schema: dict[str, Any], *, top: bool) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        yield name.lower().replace("_", "")
        if not top:
            yield from _names(child, top=False)
    if not top:
        for child in (*schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else ())):
            yield from _names(child, top=False)


def purpose_of(request: Request, rules: Sequence[Rule] = RULES) -> str:
    """What a call is for."""
    return next((rule.purpose for rule in rules if rule.fits(request)), OTHER)


@dataclass(frozen=True)
class _Matcher:
    contains: str | None
    purpose: str | None
    brain: Brain


class StandinBrain:
    """Answers everything."""

    def __init__(self, *, grading: Grading = "honest") -> None:
        self.grading = grading
        self._matchers: list[_Matcher] = []

    def when(
        self,
        answer: Brain | Answer | str | dict[str, Any] | list[Any],
        *,
        contains: str | None = None,
        purpose: str | None = None,
    ) -> StandinBrain:
        """Give `answer` where the prompt contains these words and the call has this purpose. The last said comes first."""
        self._matchers.insert(0, _Matcher(contains, purpose, _always(answer)))
        return self

    def __call__(self, request: Request) -> Answer:
        """A brain."""
        for matcher in self._matchers:
            if matcher.purpose in (None, request.purpose) and (matcher.contains is None or matcher.contains in request.text):
                return as_answer(matcher.brain(request))
        if call := self._function_call(request):
            return Answer((call,))
        return Answer(({"text": self._say(request)},))

    def _choices(self, request: Request) -> Choices:
        match request.purpose:
            case "questions":
                return QuestionWriter(request.text)
            case "follow-up":
                return Decider.of(request.text)
            case "grading" | "report":
                return Reviewer.of(request.text, self.grading)
            case _:
                return Choices()

    def _say(self, request: Request) -> str:
        if request.schema is None:
            first = next(iter(sentences(request.prompt)), "nothing")
            return f"You asked: {first} This is the stand-in's answer to it."
        if not request.schema:
            return json.dumps({"answer": next(iter(sentences(request.prompt)), "")})
        value = fill(request.schema, request.prompt, self._choices(request))
        return str(value) if request.config.get("responseMimeType") == "text/x.enum" else json.dumps(value)

    def _function_call(self, request: Request) -> Part | None:
        """A call of the first allowed function, when the request forces one and has not had it yet."""
        tools = request.body.get("tools", [])
        calling = request.body.get("toolConfig", {}).get("functionCallingConfig", {})
        answered = any("functionResponse" in part for part in request.body["contents"][-1]["parts"])
        if calling.get("mode") != "ANY" or answered:
            return None
        name = next(iter(calling.get("allowedFunctionNames") or declared(tools)))
        schema = check_tool_schemas(tools, request.model)[name]
        args = fill(schema, request.prompt) if schema else {}
        return {"functionCall": {"name": name, "args": args}, "thoughtSignature": SIGNATURE}


def _always(answer: Brain | Answer | str | dict[str, Any] | list[Any]) -> Brain:
    """A fixed answer as a brain; JSON for a dict or a list."""
    if callable(answer):
        return answer
    fixed = json.dumps(answer) if isinstance(answer, dict | list) else answer
    return lambda _request: fixed
