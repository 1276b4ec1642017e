"""The product document's success metrics, computed from what is stored, with their targets (R-137, R-140…R-155).

Nothing is estimated: where there is no data the value is None, and the page says so. `facts` are of the window and the one before it.
Read next: `web.operator.figures`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean

from .call_view import percentile
from .session import ReportStatus, SessionStatus

WINDOW = timedelta(days=30)
RETENTION = timedelta(days=7)
OUR_FAULT = frozenset({"failed_upstream", "failed"})
"""Ends of a call that we, or a vendor of ours, are to blame for."""
HELD = frozenset({SessionStatus.COMPLETED, SessionStatus.PARTIAL, SessionStatus.FAILED})


@dataclass(frozen=True)
class Feedback:
    """What a candidate thought of an interview: 1 (bad) to 5."""

    session_id: str
    rating: int
    comment: str
    at: datetime


@dataclass(frozen=True)
class SessionFact:
    """One begun interview."""

    user_id: str
    started_at: datetime
    status: SessionStatus
    report_status: ReportStatus
    elapsed_ms: int
    end_reason: str | None = None
    score: int | None = None


@dataclass(frozen=True)
class Facts:
    """What was stored since the beginning of the window before."""

    since: datetime
    now: datetime
    sessions: Sequence[SessionFact] = ()
    ratings: Sequence[int] = ()
    """Of the window."""
    costs: dict[str, int] = field(default_factory=dict)
    """Of the window's interviews, millionths by currency."""
    paid: int = 0
    """Of the window, minor units, refunds taken off."""
    currency: str = "INR"
    orders: dict[str, int] = field(default_factory=dict)
    """Of the window, by status."""
    spans: Sequence[tuple[datetime, datetime]] = ()
    """When a process of this server was up."""
    model_ms: Sequence[int] = ()
    """Of the window: live tool calls that the model answered."""


@dataclass(frozen=True)
class Figure:
    """One metric."""

    id: str
    title: str
    value: float | None
    unit: str
    target: str
    met: bool | None
    """None where there is no value or no target."""
    group: str
    basis: str
    """What it was computed from, in words."""


def compute(facts: Facts, *, database_p95_ms: float | None = None, rate: float | None = None) -> list[Figure]:
    """Every metric. `rate` turns a dollar into rupees, for costs; `database_p95_ms` is this process's own measurement."""
    start = facts.now - WINDOW
    recent = [s for s in facts.sessions if s.started_at >= start]
    earlier = [s for s in facts.sessions if s.started_at < start]
    ended = [s for s in recent if s.status in HELD]
    users = {s.user_id for s in recent}
    days = max(1.0, min(WINDOW, facts.now - min((s.started_at for s in recent), default=facts.now)) / timedelta(days=1))
    cost = _cost(facts.costs, len(ended), rate)
    revenue = facts.paid / 100 if facts.orders else None
    paid, failed = facts.orders.get("completed", 0) + facts.orders.get("refunded", 0), facts.orders.get("failed", 0)
    asked = [s for s in ended if s.report_status in (ReportStatus.READY, ReportStatus.STALE, ReportStatus.FAILED)]
    span = f"{_count(len(recent), 'interview')} of 30 days"
    made: list[Figure] = []

    def add(
        id: str,
        title: str,
        value: float | None,
        unit: str,
        target: str,
        ok: Callable[[float], bool] | None,
        group: str,
        basis: str,
    ) -> None:
        met = None if value is None or ok is None else ok(value)
        made.append(Figure(id, title, value, unit, target, met, group, basis))

    use, business, quality, technical = "Use", "Business", "Quality", "Technical"
    add("R-140", "Interviews a day", len(recent) / days if recent else None, "", "50 or more", lambda v: v >= 50, use, span)
    minutes = [s.elapsed_ms / 60_000 for s in ended if s.status is not SessionStatus.FAILED]
    add(
        "R-141",
        "Average session",
        _mean(minutes),
        "minutes",
        "18 to 22 minutes",
        lambda v: 18 <= v <= 22,
        use,
        _count(len(minutes), "interview"),
    )
    kept, of = _retention(facts)
    add(
        "R-142",
        "Come back within 7 days",
        _share(kept, of),
        "%",
        "40 % or more",
        lambda v: v >= 40,
        use,
        f"{_count(of, 'person', 'people')} whose first was 7 to 37 days ago",
    )
    add(
        "R-143",
        "Interviews a person",
        len(recent) / len(users) if users else None,
        "",
        "3 or more in 30 days",
        lambda v: v >= 3,
        use,
        _count(len(users), "person", "people"),
    )
    add(
        "R-144",
        "Revenue",
        revenue,
        facts.currency,
        "50,000 or more",
        lambda v: v >= 50_000,
        business,
        "paid orders of 30 days less refunds",
    )
    add(
        "R-145",
        "Revenue a person",
        revenue / len(users) if revenue is not None and users else None,
        facts.currency,
        "500 or more",
        lambda v: v >= 500,
        business,
        _count(len(users), "person", "people"),
    )
    add(
        "R-146",
        "Cost an interview",
        cost,
        facts.currency,
        "30 to 40",
        lambda v: v <= 40,
        business,
        "vendors' lines of the ledger",
    )
    margin = 100 * (1 - cost * len(ended) / revenue) if cost is not None and revenue else None
    add("R-146m", "Margin", margin, "%", "50 % or more", lambda v: v >= 50, business, "revenue less vendors' costs")
    add(
        "R-147",
        "Payments that succeed",
        _share(paid, paid + failed),
        "%",
        "98 % or more",
        lambda v: v >= 98,
        business,
        f"{_count(paid + failed, 'order')} paid or failed",
    )
    done = sum(s.status is SessionStatus.COMPLETED for s in ended)
    add(
        "R-148",
        "Completed",
        _share(done, len(ended)),
        "%",
        "95 % or more",
        lambda v: v >= 95,
        quality,
        f"{_count(len(ended), 'interview')} that ended",
    )
    good = sum(s.report_status is not ReportStatus.FAILED for s in asked)
    add(
        "R-149",
        "Reports written",
        _share(good, len(asked)),
        "%",
        "99 % or more",
        lambda v: v >= 99,
        quality,
        _count(len(asked), "report"),
    )
    add(
        "R-150",
        "Satisfaction",
        _mean(list(facts.ratings)),
        "of 5",
        "4.5 or more",
        lambda v: v >= 4.5,
        quality,
        _count(len(facts.ratings), "rating"),
    )
    now, before = [_mean([float(s.score) for s in group if s.score is not None]) for group in (recent, earlier)]
    trend = now - before if now is not None and before is not None else None
    add(
        "R-151", "Average score against the 30 days before", trend, "points", "rising", lambda v: v > 0, quality, "scored reports"
    )
    add(
        "R-152",
        "Availability",
        _availability(facts),
        "%",
        "99.95 % or more",
        lambda v: v >= 99.95,
        technical,
        "minutes in which a process answered",
    )
    lost = sum((s.end_reason or "") in OUR_FAULT for s in ended)
    add(
        "R-153",
        "Calls without our fault",
        _share(len(ended) - lost, len(ended)),
        "%",
        "98 % or more",
        lambda v: v >= 98,
        technical,
        _count(len(ended), "call"),
    )
    slow = percentile(list(facts.model_ms), 0.95)
    add(
        "R-154",
        "Gemini answers, p95",
        slow,
        "ms",
        "under 5,000 ms",
        lambda v: v < 5_000,
        technical,
        f"{_count(len(facts.model_ms), 'live tool call')} that the model answered",
    )
    add(
        "R-155",
        "Database, p95",
        database_p95_ms,
        "ms",
        "under 100 ms",
        lambda v: v < 100,
        technical,
        "statements of this process since it started",
    )
    return made


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _cost(costs: dict[str, int], interviews: int, rate: float | None) -> float | None:
    if not costs or not interviews or (rate is None and "USD" in costs):
        return None
    rupees = sum(micros * (rate or 1.0 if currency == "USD" else 1.0) for currency, micros in costs.items()) / 1e6
    return rupees / interviews


def _retention(facts: Facts) -> tuple[int, int]:
    """Of the people whose first interview was 7 to 37 days ago: who began another within 7 days of it, and how many they are."""
    begun: dict[str, list[datetime]] = defaultdict(list)
    for session in facts.sessions:
        begun[session.user_id].append(session.started_at)
    kept = of = 0
    for times in begun.values():
        first = min(times)
        if facts.now - RETENTION - WINDOW <= first <= facts.now - RETENTION:
            of += 1
            kept += any(first < at <= first + RETENTION for at in times)
    return kept, of


def _availability(facts: Facts) -> float | None:
    """Share of the time since the first span of the window that lies in a span."""
    start = facts.now - WINDOW
    spans = sorted((max(since, start), min(until, facts.now)) for since, until in facts.spans if until > start)
    if not spans:
        return None
    covered, reached = timedelta(), spans[0][0]
    for since, until in spans:
        if until > reached:
            covered += until - max(since, reached)
            reached = until
    whole = facts.now - spans[0][0]
    return 100 * covered / whole if whole > timedelta(minutes=5) else None
