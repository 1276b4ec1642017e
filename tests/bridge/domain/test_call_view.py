"""A call as a line of the operators' list: what is folded from its log, what needs attention first, how response times are counted (M7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.call_view import CallView, ResponseTimes, Urgency, concerns, percentile
from bridge.domain.events import (
    EngineChanged,
    Event,
    InterviewEnded,
    LegEnded,
    LegStarted,
    Noted,
    OperatorActed,
    QuestionAsked,
    Speaker,
    TurnRecorded,
    TurnSource,
)
from bridge.domain.session import InterviewSession, SessionStatus
from bridge.domain.spending import so_far
from bridge.domain.upstream import CostEntry, CostKind

from ...samples import QUESTIONS, SETUP

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SESSION = InterviewSession("s", "u", SETUP, tuple(QUESTIONS), SessionStatus.IN_PROGRESS, NOW)


def turn(speaker: Speaker, start_ms: int, end_ms: int, *, id: str = "t") -> TurnRecorded:
    """Words of a speaker."""
    return TurnRecorded(
        at_ms=end_ms, turn_id=id, speaker=speaker, text="words", question_id=None, start_ms=start_ms, end_ms=end_ms,
        source=TurnSource.SPEECH,
    )  # fmt: skip


def view_of(*events: Event) -> CallView:
    """The fold."""
    view = CallView()
    for seq, event in enumerate(events, 1):
        view.apply(seq, event, NOW)
    return view


def texts(view: CallView, session: InterviewSession = SESSION, after: float = 0) -> list[tuple[Urgency, str]]:
    """What needs attention so many seconds later."""
    found = concerns(view, session, NOW + timedelta(seconds=after), reclaim_seconds=60)
    return [(concern.urgency, concern.text) for concern in found]


STARTED = LegStarted(at_ms=0, leg=1, engine="vapi")
ASKED = QuestionAsked(at_ms=1_000, question_id="q1", n=1, of=3, text="Why?")


def test_a_view_is_the_fold_of_the_log() -> None:
    """Engine, question, clock, hand-over, added minutes, listeners, the end."""
    view = view_of(
        STARTED, ASKED, OperatorActed(at_ms=2_000, action="listen"), OperatorActed(at_ms=3_000, action="extend", minutes=5),
        EngineChanged(at_ms=4_000, from_engine="vapi", to_engine="local", reason="silent"), Noted(at_ms=5_000, code="muted"),
    )  # fmt: skip

    assert ("local", 1, 3, 5, 1, True, True) == (
        view.engine, view.n, view.of, view.extended_minutes, view.listeners, view.muted, view.connected,
    )  # fmt: skip
    assert 5_000 + 9_000 == view.clock_ms(NOW + timedelta(seconds=9))
    view.apply(7, LegEnded(at_ms=20_000, leg=1, reason="lost"), NOW)
    assert (20_000, False, 0) == (view.clock_ms(NOW + timedelta(seconds=9)), view.connected, view.listeners)
    view.apply(8, InterviewEnded(at_ms=20_000, reason="abandoned"), NOW)
    assert view.over


@pytest.mark.parametrize(
    ("events", "status", "after", "first"),
    [
        ((STARTED, ASKED), {}, 0, None),
        ((STARTED, ASKED), {}, 60, (Urgency.LOOK, "Nobody has spoken for 60 s")),
        ((STARTED, LegEnded(at_ms=9, leg=1, reason="lost")), {"status": SessionStatus.INTERRUPTED, "interrupted_at": NOW}, 20,
         (Urgency.ACT, "The candidate is gone; 40 s left to come back")),
        ((STARTED, EngineChanged(at_ms=5, from_engine="vapi", to_engine="local", reason="x")), {}, 0,
         (Urgency.LOOK, "local took over from vapi")),
        ((STARTED, Noted(at_ms=5, code="upstream_lost")), {}, 0, (Urgency.ACT, "The voice service was lost and nothing took over")),
        ((STARTED, Noted(at_ms=5, code="recording_stopped")), {}, 0, (Urgency.ACT, "The recording stopped: the disk is full")),
        ((STARTED, Noted(at_ms=5, code="muted")), {}, 99, None),
        ((LegStarted(at_ms=0, leg=2, engine="local"),), {}, 0, (Urgency.NOTE, "Connected 2 times")),
    ],
)  # fmt: skip
def test_what_needs_attention(events: tuple[Event, ...], status: dict[str, Any], after: float, first: Any) -> None:
    """Each concern in words, the most urgent first; a call that goes well has none."""
    found = texts(view_of(*events), replace(SESSION, **status), after)

    assert first == (found[0] if found else None)
    assert sorted(found, key=lambda each: -each[0]) == found


def test_response_times_are_from_the_last_word_to_the_next_first_word() -> None:
    """A turn that grows counts once, from its last end; an interviewer who was speaking already has answered nothing."""
    times = ResponseTimes()
    for event in (
        turn(Speaker.INTERVIEWER, 0, 1_000), turn(Speaker.CANDIDATE, 2_000, 3_000), turn(Speaker.CANDIDATE, 2_000, 5_000),
        turn(Speaker.INTERVIEWER, 5_800, 9_000), turn(Speaker.INTERVIEWER, 9_500, 9_900), turn(Speaker.CANDIDATE, 10_000, 11_000),
        turn(Speaker.INTERVIEWER, 10_500, 12_000), turn(Speaker.CANDIDATE, 13_000, 14_000), turn(Speaker.INTERVIEWER, 15_500, 16_000),
    ):  # fmt: skip
        times.apply(event)

    assert [800, 1_500] == times.found


@pytest.mark.parametrize(
    ("values", "share", "found"), [([], 0.5, None), ([3], 0.95, 3), ([4, 1, 3, 2], 0.5, 2), ([*range(1, 101)], 0.95, 95)]
)
def test_percentiles_are_values_that_occurred(values: list[int], share: float, found: int | None) -> None:
    """Nearest rank."""
    assert found == percentile(values, share)


def test_cost_so_far_counts_a_call_once() -> None:
    """The whole of a call beats its parts, what happened beats the estimate, an estimate counts by the time gone; currencies apart."""

    def line(ref: str, item: str, micros: int, kind: CostKind = CostKind.ACTUAL, currency: str = "USD") -> CostEntry:
        return CostEntry("s", ref, kind, "vapi", item, 1, "minutes", micros, currency, NOW)

    entries = [
        line("vapi:a:estimate", "call", 900, CostKind.ESTIMATE), line("vapi:a:call", "call", 500), line("vapi:a:stt", "stt", 300),
        line("vapi:b:estimate", "call", 1_000, CostKind.ESTIMATE), line("gemini:c:input", "live input", 7),
        line("gemini:c:output", "live output", 8), line("x:d:call", "call", 40, currency="INR"),
    ]  # fmt: skip

    assert {"USD": 500 + 250 + 15, "INR": 40} == so_far(entries, share=0.25)
    assert {} == so_far([])
