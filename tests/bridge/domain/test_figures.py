"""The success metrics: each computed from what is stored, None without data, judged against its target (R-137, R-140…R-155)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.domain.figures import Facts, Figure, SessionFact, compute
from bridge.domain.session import ReportStatus, SessionStatus

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def fact(user: str, days_ago: float, **changes: object) -> SessionFact:
    """A completed interview of 20 minutes with a report."""
    made = SessionFact(user, NOW - days_ago * DAY, SessionStatus.COMPLETED, ReportStatus.READY, 20 * 60_000, "finished", 70)
    return replace(made, **changes)  # type: ignore[arg-type]


def by_id(facts: Facts, **more: float) -> dict[str, Figure]:
    """The figures by their requirement."""
    return {figure.id: figure for figure in compute(facts, **more)}


def test_every_metric_of_the_document_is_there_and_empty_without_data() -> None:
    """R-140…R-155: sixteen figures and the margin, each with its target; nothing is invented where nothing is stored."""
    found = by_id(Facts(NOW, NOW))

    assert {f"R-{n}" for n in range(140, 156)} | {"R-146m"} == set(found)
    assert {None} == {figure.value for figure in found.values()} == {figure.met for figure in found.values()}
    assert all(figure.target and figure.basis and figure.title for figure in found.values())


def test_the_figures_are_what_the_facts_add_up_to() -> None:
    """Known facts, known figures."""
    sessions = [
        fact("a", 20), fact("a", 15), fact("a", 1, score=90), fact("b", 10, elapsed_ms=10 * 60_000),
        fact("b", 9, status=SessionStatus.PARTIAL, report_status=ReportStatus.FAILED, score=None),
        fact("c", 8, status=SessionStatus.FAILED, report_status=ReportStatus.NONE, end_reason="failed_upstream", score=None),
        fact("d", 40, score=50), fact("e", 0.5, status=SessionStatus.IN_PROGRESS, report_status=ReportStatus.NONE, score=None),
    ]  # fmt: skip
    spans = [(NOW - 10 * DAY, NOW - 6 * DAY), (NOW - 7 * DAY, NOW - 5 * DAY), (NOW - 4 * DAY, NOW)]
    facts = Facts(
        NOW - 60 * DAY, NOW, sessions, ratings=[5, 4, 5], costs={"USD": 3_000_000, "INR": 51_000_000}, paid=60_000,
        orders={"completed": 6, "refunded": 1, "failed": 1, "pending": 5}, spans=spans, model_ms=[400, 900, 1_200],
    )  # fmt: skip
    found = by_id(facts, rate=83.0, database_p95_ms=12.0)
    value = {key: round(figure.value, 2) for key, figure in found.items() if figure.value is not None}

    assert value == {
        "R-140": 0.35,  # 7 interviews in the 20 days since the first of the window
        "R-141": 18.0,  # 20, 20, 20, 10, 20
        "R-142": 66.67,  # a and b came back, c did not; the first of d is longer ago
        "R-143": 1.75,
        "R-144": 600.0,
        "R-145": 150.0,
        "R-146": 50.0,  # (3 × 83 + 51) / 6
        "R-146m": 50.0,
        "R-147": 87.5,
        "R-148": 66.67,
        "R-149": 80.0,
        "R-150": 4.67,
        "R-151": 25.0,  # 75 against 50
        "R-152": 90.0,  # one of ten days is in no span
        "R-153": 83.33,
        "R-154": 1_200.0,
        "R-155": 12.0,
    }
    assert {"R-141", "R-142", "R-146m", "R-150", "R-151", "R-154", "R-155"} == {key for key, f in found.items() if f.met}


def test_a_cost_in_dollars_without_a_rate_is_not_guessed() -> None:
    """R-146: None rather than a wrong sum."""
    facts = Facts(NOW, NOW, [fact("a", 1)], costs={"USD": 1_000_000})

    assert by_id(facts)["R-146"].value is None
