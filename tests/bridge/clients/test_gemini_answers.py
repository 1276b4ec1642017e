"""What Gemini's errors and answers mean; errors in whatever shape they come (F7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.clients.gemini_answers import DAY_SECONDS, Answer, read, refusal
from bridge.errors import Trouble


def error(message: str = "", *details: dict[str, Any], status: str = "") -> dict[str, Any]:
    """A body as Google writes it."""
    return {"error": {"message": message, "status": status, "details": list(details)}}


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, error("API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}), Trouble.UNAUTHORISED),
        (400, error("User location is not supported", status="FAILED_PRECONDITION"), Trouble.UNAUTHORISED),
        (401, error(), Trouble.UNAUTHORISED),
        (403, error("Your API key was reported as leaked."), Trouble.UNAUTHORISED),
        (404, error(), Trouble.UNKNOWN_MODEL),
        (429, error(), Trouble.QUOTA),
        (400, error("Request contains an invalid argument."), Trouble.REJECTED),
        (500, error(), Trouble.OVERLOADED),
        (503, "busy", Trouble.OVERLOADED),
        (504, None, Trouble.OVERLOADED),
        (302, {}, Trouble.REJECTED),
    ],
)
def test_an_error_is_a_trouble(status: int, body: Any, trouble: Trouble):
    """Every status has one meaning."""
    assert trouble is refusal(status, body, {}).trouble


@pytest.mark.parametrize(
    "body", [None, [], "x", 7, {"error": 3}, {"error": {"details": {"a": 1}}}, {"error": {"details": [1, None]}}]
)
def test_a_strange_body_is_no_obstacle(body: Any):
    """Contract 6: what a vendor sends is trusted in nothing."""
    assert Trouble.QUOTA is refusal(429, body, {"Retry-After": "3"}).trouble


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "12"}, {}, 12.0),
        ({}, {"retryDelay": "1.5s"}, 1.5),
        ({"Retry-After": "2"}, {"retryDelay": "9s"}, 2.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({}, {"retryDelay": 7}, None),
        ({}, {"retryDelay": "-5s"}, None),
        ({}, {"retryDelay": "9" * 40}, None),
        ({"Retry-After": "2"}, {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}, DAY_SECONDS),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], details: dict[str, Any], seconds: float | None):
    """F7: the header first, then RetryInfo; nonsense is none; a day's quota is not back in seconds."""
    assert seconds == refusal(429, error("", details), headers).retry_after_seconds


def test_the_vendor_s_sentence_is_short_and_on_one_line():
    """For `prepkit doctor`."""
    assert "a b" == refusal(400, error("a\n   b"), {}).vendor_says
    assert len(refusal(400, error("x" * 5000), {}).vendor_says) == 300


def part(text: str | None, *, thought: bool = False) -> SimpleNamespace:
    """A part of a content."""
    return SimpleNamespace(text=text, thought=thought)


def response(
    *parts: SimpleNamespace, finish: str | None = "STOP", blocked: str | None = None, none: bool = False
) -> SimpleNamespace:
    """A response of the SDK."""
    candidate = SimpleNamespace(
        content=SimpleNamespace(parts=list(parts)), finish_reason=SimpleNamespace(value=finish) if finish else None
    )
    return SimpleNamespace(
        usage_metadata=SimpleNamespace(prompt_token_count=5, candidates_token_count=None, thoughts_token_count=2),
        prompt_feedback=SimpleNamespace(block_reason=blocked),
        candidates=None if none else [candidate],
    )


def test_thoughts_are_no_answer():
    """Only what the model says counts; tokens of every kind are counted."""
    answer = read(response(part("hm", thought=True), part("a"), part(None), part("b")))

    assert Answer("ab", tokens_in=5, tokens_thought=2) == answer


@pytest.mark.parametrize("finish", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"])
def test_filters(finish: str):
    """F7: a stop by the filters, whatever was said before it."""
    assert read(response(part("half an ans"), finish=finish)).refused
    assert read(response(blocked="SAFETY", none=True)).refused


@pytest.mark.parametrize(
    "given", [response(none=True), response(), response(part(" \n")), response(part("{"), finish="MAX_TOKENS")]
)
def test_what_is_missing_is_said_in_words(given: SimpleNamespace):
    """F7: no candidate, no part, blank, cut off."""
    answer = read(given)

    assert answer.problem.endswith(".")
    assert not answer.refused
