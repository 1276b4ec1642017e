"""From a checked request to Google's answer: what a brain sees, what it gives back, and the JSON and usage made of it.

Tokens are a quarter of the characters. Thinking is billed against `maxOutputTokens` as it is there, so an answer is cut when the two together do not
fit. Read next: `gemini_minds` (the brains), `gemini` (the server).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from .gemini_models import Model

Part = dict[str, Any]
"""One part of a content, as on the wire."""
CHARACTERS_PER_TOKEN = 4
THOUGHT_SHARE = {"MINIMAL": 0.0, "LOW": 0.1, "MEDIUM": 0.3, "HIGH": 1.0}
"""Thinking tokens by level, as a share of the prompt's."""
SIGNATURE = base64.b64encode(b"a stand-in's thought").decode()


def tokens(text: str) -> int:
    """How many tokens a text is billed as."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Request:
    """A call that was understood. `body` is the checked request in camelCase."""

    model: Model
    version: str
    method: str
    body: dict[str, Any]
    schema: dict[str, Any] | None
    """The answer's schema in the common shape; {} for JSON of any shape; None for free text."""
    purpose: str = ""
    """What the call is for, by the stand-in's rules: questions, follow-up, grading, other, or a test's own word."""

    @property
    def prompt(self) -> str:
        """All text of the conversation."""
        return "\n".join(part["text"] for content in self.body.get("contents", []) for part in content["parts"] if "text" in part)

    @property
    def system(self) -> str:
        """The system instruction's text."""
        return "\n".join(part.get("text", "") for part in self.body.get("systemInstruction", {}).get("parts", []))

    @property
    def text(self) -> str:
        """System instruction and conversation."""
        return f"{self.system}\n{self.prompt}".strip()

    @property
    def config(self) -> dict[str, Any]:
        """generationConfig."""
        config: dict[str, Any] = self.body.get("generationConfig", {})
        return config

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all that was sent, the schema and files included."""
        blobs = (
            part["inlineData"] for content in self.body.get("contents", []) for part in content["parts"] if "inlineData" in part
        )
        files = sum(258 + len(blob["data"]) // 1000 for blob in blobs)
        return tokens(self.text) + tokens(str(self.schema or "")) + files

    @property
    def thought_tokens(self) -> int:
        """Tokens the model thinks for this prompt, before any limit."""
        thinking = self.config.get("thinkingConfig", {})
        share = THOUGHT_SHARE[thinking.get("thinkingLevel", self.model.level)]
        wanted = int(self.prompt_tokens * share)
        budget = thinking.get("thinkingBudget", -1)
        return wanted if budget < 0 else min(wanted, budget)


@dataclass(frozen=True)
class Answer:
    """What a brain gives back."""

    parts: tuple[Part, ...] = ()
    finish: str = "STOP"
    blocked: str | None = None
    """A block reason: no candidate, only promptFeedback."""
    thought_tokens: int | None = None
    """Instead of the request's own."""
    nothing: bool = False
    """Neither candidates nor feedback."""

    @property
    def text(self) -> str:
        """The visible text."""
        return "".join(part.get("text", "") for part in self.parts if not part.get("thought"))

    def with_text(self, text: str, finish: str | None = None) -> Answer:
        """The same answer saying something else."""
        return replace(self, parts=({"text": text},), finish=finish or self.finish)


Brain = Callable[[Request], "Answer | list[Part] | str"]
"""Answers a request."""


def as_answer(given: Answer | list[Part] | str) -> Answer:
    """Whatever a brain gave, as an Answer."""
    if isinstance(given, str):
        return Answer(({"text": given},))
    return Answer(tuple(given)) if isinstance(given, list) else given


@dataclass(frozen=True)
class Spent:
    """Tokens of one answer."""

    prompt: int = 0
    output: int = 0
    thoughts: int = 0

    @property
    def usage(self) -> dict[str, Any]:
        """usageMetadata; counts of nothing are left out, as there."""
        usage: dict[str, Any] = {"promptTokenCount": self.prompt}
        if self.output:
            usage["candidatesTokenCount"] = self.output
        usage["totalTokenCount"] = self.prompt + self.output + self.thoughts
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": self.prompt}]
        if self.thoughts:
            usage["thoughtsTokenCount"] = self.thoughts
        return usage


@dataclass(frozen=True)
class Reply:
    """An answer as it goes out: cut to the limit, with what it cost."""

    request: Request
    answer: Answer
    spent: Spent
    id: str = field(default_factory=lambda: uuid4().hex[:22])

    def body(self, parts: list[Part] | None = None, *, last: bool = True) -> dict[str, Any]:
        """A GenerateContentResponse; `parts` of a chunk instead of the whole, `last` with finish reason and usage."""
        body: dict[str, Any] = {}
        answer = self.answer
        if answer.blocked:
            body["promptFeedback"] = {"blockReason": answer.blocked, "safetyRatings": _ratings("HIGH")}
        elif not answer.nothing:
            content: dict[str, Any] = {"role": "model"}
            if shown := list(answer.parts) if parts is None else parts:
                content["parts"] = shown
            candidate: dict[str, Any] = {"content": content, "index": 0}
            if last:
                candidate["finishReason"] = answer.finish
            if last and answer.finish == "SAFETY":
                candidate["safetyRatings"] = _ratings("HIGH")
            body["candidates"] = [candidate]
        body["usageMetadata"] = self.spent.usage if last else {"promptTokenCount": self.spent.prompt}
        return body | {"modelVersion": self.request.model.name, "responseId": self.id}

    def chunks(self, characters: int) -> Iterator[dict[str, Any]]:
        """The answer in pieces, as a stream sends it."""
        pieces: list[list[Part]] = []
        for part in self.answer.parts:
            text = part.get("text", "")
            cut = [{**part, "text": text[i : i + characters]} for i in range(0, len(text), characters)] if text else [part]
            pieces += [[piece] for piece in cut]
        pieces = pieces or [[]]
        for i, piece in enumerate(pieces):
            yield self.body(piece, last=i == len(pieces) - 1)


def reply(request: Request, answer: Answer, *, unlimited: bool = False) -> Reply:
    """Count, and cut at the request's token limit unless `unlimited`."""
    thoughts = request.thought_tokens if answer.thought_tokens is None else answer.thought_tokens
    limit = request.config.get("maxOutputTokens", request.model.output_limit)
    thoughts = min(thoughts, limit)
    room = (limit - thoughts) * CHARACTERS_PER_TOKEN
    if len(answer.text) > room and answer.finish == "STOP" and not unlimited:
        text = answer.text[:room]
        answer = answer.with_text(text, "MAX_TOKENS") if text else replace(answer, parts=(), finish="MAX_TOKENS")
    if request.config.get("thinkingConfig", {}).get("includeThoughts") and thoughts and answer.parts:
        answer = replace(answer, parts=({"text": "Weighing what was asked.", "thought": True}, *answer.parts))
    return Reply(request, answer, Spent(request.prompt_tokens, _output_tokens(answer), thoughts))


def _output_tokens(answer: Answer) -> int:
    calls = "".join(str(part["functionCall"]) for part in answer.parts if "functionCall" in part)
    return tokens(answer.text) + tokens(calls)


def _ratings(probability: str) -> list[dict[str, str]]:
    return [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": probability}]
