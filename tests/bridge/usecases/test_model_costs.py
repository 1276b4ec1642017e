"""The ledger lines of a model call (C-05, R-165)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.domain.pricing import spent_on
from bridge.domain.spending import so_far
from bridge.domain.upstream import CostKind
from bridge.language_model import ModelCall, ModelUsage, Purpose
from bridge.usecases.model_costs import Spoken, entries_of, voice_entries

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


def call(model: str = "gemini-3.8-flash", session_id: str | None = "s", outcome: str = "ok", **tokens: int) -> ModelCall:
    """A call with these tokens."""
    return ModelCall("c1", Purpose.QUESTIONS, "questions.1", session_id, outcome, ModelUsage(model, **tokens), NOW)


def test_a_line_for_each_side():
    """C-05: input and output at their prices, thinking as output, in millionths of a dollar."""
    lines = entries_of(call(tokens_in=1000, tokens_out=700, tokens_thought=300))

    assert [
        ("gemini:c1:input", "questions input", 1000, 750),
        ("gemini:c1:output", "questions output", 1000, 3750),
    ] == [(line.ref, line.item, line.quantity, line.amount_micros) for line in lines]
    assert {("s", CostKind.ACTUAL, "gemini", "tokens", "USD", NOW)} == {
        (line.session_id, line.kind, line.provider, line.unit, line.currency, line.at) for line in lines
    }


def test_a_failed_call_is_paid_for_all_the_same():
    """C-05: what was read and written is billed, whatever it was worth."""
    assert [7] == [line.quantity for line in entries_of(call(outcome="bad_answer", tokens_in=7))]


@pytest.mark.parametrize("given", [call(), call(session_id=None, tokens_in=5)])
def test_nothing_to_book(given: ModelCall):
    """A call without tokens, or of no interview."""
    assert [] == entries_of(given)


def test_an_unknown_model_is_an_estimate():
    """C-02: its price is not known, so the highest stands in and the line says so."""
    (line,) = entries_of(call("my-own-model", tokens_out=100))

    assert (CostKind.ESTIMATE, 1200) == (line.kind, line.amount_micros)


SOUND = {"voice audio in", "voice audio out"}
ALL_VOICE = {*SOUND, "voice text in", "voice text out", "voice line"}


@pytest.mark.parametrize(
    ("model", "estimates"),
    [("gemini-3.8-live", SOUND), ("gemini-3.1-flash-live-preview", set()), ("my-own-live", ALL_VOICE)],
)
def test_sound_without_a_printed_price_is_an_estimate(model: str, estimates: set[str]):
    """C-02: only what is priced in print is booked as measured, and nothing of a stretch is lost where the two are added up."""
    lines = voice_entries("s", "live:1", Spoken(model, 100, 2_000, 50, 1_000, 3.0), NOW)
    measured, foreseen = spent_on(lines)

    assert ALL_VOICE == {line.item for line in lines}
    assert estimates == {line.item for line in lines if line.kind is CostKind.ESTIMATE}
    assert len({line.ref for line in lines}) == len(lines)
    assert (measured, foreseen) == tuple(
        sum(line.amount_micros for line in lines if line.kind is kind) for kind in (CostKind.ACTUAL, CostKind.ESTIMATE)
    )
    # What was used was used, however far the call has come.
    assert {"USD": measured + foreseen} == so_far(lines, share=0.1)
