"""Charts drawn as SVG text on the server: score ring, bars by area, radar, time line of the questions, scores over time.

Colours are presentation attributes, so that a picture stands alone (print, PDF, e-mail); each shape has a class that
`web/static/report.css` re-colours for the dark scheme. Every chart is one image whose label says all its values; what was not
assessed is dashed. Text is placed by a generous width table, so that no label is ever cut. Read next: `render`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

INK, SOFT, TRACK, FILL = "#17252a", "#50626a", "#d5dddd", "#0c655e"
"""The light scheme of `web/static/base.css`."""
HAPPENED = "#7d4e00"
NARROW, WIDE = frozenset("fijlrt.,:;'|!()[] I"), frozenset("mwMWGOQ@%&–")


@dataclass(frozen=True)
class Value:
    """A labelled score; None where nothing was assessed."""

    label: str
    score: int | None


@dataclass(frozen=True)
class Stretch:
    """How long a question took and what it was given; seconds, None where it was not asked."""

    label: str
    seconds: float | None
    target_seconds: float


def text_width(text: str, size: float) -> float:
    """Upper bound of a line's width in a common sans-serif face."""
    return sum(0.4 if c in NARROW else 0.98 if c in WIDE else 0.74 if c.isupper() else 0.62 for c in text) * size


def wrapped(text: str, size: float, width: float) -> list[str]:
    """The text in lines no wider than `width`, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def minutes(seconds: float) -> str:
    """`m:ss`."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def said(score: int | None) -> str:
    """A score in words."""
    return "not assessed" if score is None else f"{score} of 100"


def _svg(width: float, height: float, label: str, body: str, kind: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart chart-{kind}" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'font-family="system-ui, sans-serif">{body}</svg>'
    )


def _text(x: float, y: float, text: str, *, size: float = 14, anchor: str = "start", kind: str = "ink", weight: int = 400) -> str:
    return (
        f'<text class="c-{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{INK if kind == "ink" else SOFT}">{escape(text)}</text>'
    )


def score_ring(score: int | None, band: str = "", *, what: str = "Overall coverage") -> str:
    """The overall score as a ring; dashed and empty when nothing was assessed."""
    size, radius, stroke = 180, 74, 16
    middle, around = size / 2, 2 * math.pi * radius
    ring = f'cx="{middle:g}" cy="{middle:g}" r="{radius}" fill="none" stroke-width="{stroke}"'
    if score is None:
        body = f'<circle class="c-track" {ring} stroke="{SOFT}" stroke-dasharray="4 8"/>'
        body += _text(middle, middle - 2, "Not", size=22, anchor="middle", weight=600)
        body += _text(middle, middle + 24, "assessed", size=22, anchor="middle", weight=600)
        return _svg(size, size, "Overall: not assessed.", body, "ring")
    body = f'<circle class="c-track" {ring} stroke="{TRACK}"/>'
    if score:
        body += (
            f'<circle class="c-fill" {ring} stroke="{FILL}" stroke-linecap="{"butt" if score == 100 else "round"}" '
            f'stroke-dasharray="{around * score / 100:.2f} {around:.2f}" transform="rotate(-90 {middle:g} {middle:g})"/>'
        )
    body += _text(middle, middle + 14, str(score), size=52, anchor="middle", weight=700)
    body += _text(middle, middle + 36, "of 100", size=15, anchor="middle", kind="soft")
    return _svg(size, size, f"{what}: {said(score)}{f', {band}' if band else ''}.", body, "ring")


def coverage_bars(values: Sequence[Value], *, title: str = "Coverage by area") -> str:
    """One bar a value, the label above it."""
    width, row, bar = 300, 48, 11
    body = ""
    for i, value in enumerate(values):
        y = i * row + 18
        body += _text(1, y, value.label)
        note = "not assessed" if value.score is None else str(value.score)
        body += _text(width - 2, y, note, anchor="end", kind="soft" if value.score is None else "ink", weight=600)
        shape = f'x="1" y="{y + 9}" width="{width - 2}" height="{bar}" rx="{bar / 2:g}"'
        if value.score is None:
            body += f'<rect class="c-empty" {shape} fill="none" stroke="{SOFT}" stroke-dasharray="4 4"/>'
            continue
        body += f'<rect class="c-track" {shape} fill="{TRACK}"/>'
        if value.score:
            filled = max(bar, (width - 2) * value.score / 100)
            body += f'<rect class="c-fill" x="1" y="{y + 9}" width="{filled:.1f}" height="{bar}" rx="{bar / 2:g}" fill="{FILL}"/>'
    label = f"{title}: {'; '.join(f'{v.label} {said(v.score)}' for v in values)}."
    return _svg(width, max(row * len(values) - 4, 1), label, body, "bars")


def radar(values: Sequence[Value], *, title: str = "Radar of areas") -> str:
    """Values as a radar; empty for fewer than three, which a radar cannot show. Unassessed axes are dashed."""
    if len(values) < 3:
        return ""
    size, line, radius, gap, room = 13, 16, 96.0, 12.0, 112.0
    angles = [2 * math.pi * i / len(values) - math.pi / 2 for i in range(len(values))]
    labels = [wrapped(f"{v.label} ({'–' if v.score is None else v.score})", size, room) for v in values]
    side = radius + gap + max(text_width(text, size) for lines in labels for text in lines)
    above = radius + gap + max(len(lines) for lines in labels) * line
    width, height = 2 * side, 2 * above
    x0, y0 = width / 2, height / 2

    def at(angle: float, share: float) -> tuple[float, float]:
        return x0 + radius * share * math.cos(angle), y0 + radius * share * math.sin(angle)

    def ring(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)

    body = "".join(
        f'<polygon class="c-grid" points="{ring([at(a, step / 4) for a in angles])}" fill="none" stroke="{TRACK}"/>'
        for step in range(1, 5)
    )
    for angle, value, lines in zip(angles, values, labels, strict=True):
        x, y = at(angle, 1)
        dashes = ' stroke-dasharray="3 4"' if value.score is None else ""
        body += f'<line class="c-grid" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x:.1f}" y2="{y:.1f}" stroke="{TRACK}"{dashes}/>'
        sideways = math.cos(angle)
        anchor = "middle" if abs(sideways) < 0.2 else "start" if sideways > 0 else "end"
        x, y = x0 + (radius + gap) * sideways, y0 + (radius + gap) * math.sin(angle)
        top = y + size * 0.35 + (math.sin(angle) - 1) / 2 * (len(lines) - 1) * line
        body += "".join(_text(x, top + i * line, text, size=size, anchor=anchor) for i, text in enumerate(lines))
    points = ring([at(a, (v.score or 0) / 100) for a, v in zip(angles, values, strict=True)])
    dashes = ' stroke-dasharray="5 4"' if any(v.score is None for v in values) else ""
    body += (
        f'<polygon class="c-area" points="{points}" fill="{FILL}" fill-opacity="0.2" stroke="{FILL}" stroke-width="2"{dashes}/>'
    )
    body += "".join(
        f'<circle class="c-dot" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{FILL}"/>'
        for a, v in zip(angles, values, strict=True)
        if v.score is not None
        for x, y in [at(a, v.score / 100)]
    )
    label = f"{title}: {'; '.join(f'{v.label} {said(v.score)}' for v in values)}."
    return _svg(round(width, 1), round(height, 1), label, body, "radar")


def timeline(stretches: Sequence[Stretch]) -> str:
    """One row a question: the time it took against a tick at the time it was given."""
    left, width, row, bar, right = 32, 300, 32, 12, 92
    longest = max([*(s.seconds or 0 for s in stretches), *(s.target_seconds for s in stretches), 1])
    scale = (width - left - right) / longest
    body, parts = "", []
    for i, stretch in enumerate(stretches):
        y = i * row + 6
        target = left + stretch.target_seconds * scale
        body += _text(1, y + 11, stretch.label, size=13, weight=600)
        given = minutes(stretch.target_seconds)
        if stretch.seconds is None:
            shape = f'x="{left}" y="{y}" width="{max(stretch.target_seconds * scale, 1):.1f}" height="{bar}" rx="4"'
            body += f'<rect class="c-empty" {shape} fill="none" stroke="{SOFT}" stroke-dasharray="4 4"/>'
            note, words = "not reached", "not reached"
        else:
            shape = f'x="{left}" y="{y}" width="{max(stretch.seconds * scale, 2):.1f}" height="{bar}" rx="4"'
            body += f'<rect class="c-fill" {shape} fill="{FILL}"/>'
            body += f'<rect class="c-tick" x="{target - 1:.1f}" y="{y - 4}" width="2" height="{bar + 8}" fill="{INK}"/>'
            note, words = f"{minutes(stretch.seconds)} / {given}", f"{minutes(stretch.seconds)} of {given} minutes"
        body += _text(width - 2, y + 11, note, size=13, anchor="end", kind="soft")
        parts.append(f"{stretch.label} {words}")
    return _svg(width, max(row * len(stretches), 1), f"Time for each question: {'; '.join(parts)}.", body, "timeline")


def trend_line(title: str, points: Sequence[tuple[str, int]], *, width: float = 360) -> str:
    """Scores one after another, evenly spaced: (when, score), oldest first; empty without any."""
    if not points:
        return ""
    left, right, top, below, height = 34, 12, 14, 26, 190
    deep, step = height - top - below, (width - left - right) / max(len(points) - 1, 1)

    def y(score: int) -> float:
        return top + deep * (1 - score / 100)

    body = ""
    for mark in (0, 25, 50, 75, 100):
        line = f'x1="{left}" y1="{y(mark):.1f}" x2="{width - right}" y2="{y(mark):.1f}"'
        body += f'<line class="c-grid" {line} stroke="{TRACK}"/>'
        body += _text(left - 8, y(mark) + 4, str(mark), size=12, anchor="end", kind="soft")
    # One alone stands in the middle.
    places = [
        (left + (i * step if len(points) > 1 else (width - left - right) / 2), y(score)) for i, (_, score) in enumerate(points)
    ]
    drawn = " ".join(f"{x:.1f},{at:.1f}" for x, at in places)
    body += f'<polyline class="c-line" points="{drawn}" fill="none" stroke="{FILL}" stroke-width="2.5" stroke-linejoin="round"/>'
    radius = 4.5 if len(points) <= 12 else 3 if len(points) <= 40 else 1.5
    body += "".join(f'<circle class="c-dot" cx="{x:.1f}" cy="{at:.1f}" r="{radius}" fill="{FILL}"/>' for x, at in places)
    if len(points) > 1:
        body += _text(left, height - 7, points[0][0], size=12, kind="soft")
        body += _text(width - right, height - 7, points[-1][0], size=12, anchor="end", kind="soft")
    else:
        body += _text(places[0][0], height - 7, points[0][0], size=12, anchor="middle", kind="soft")
    label = f"{title}: {'; '.join(f'{when} {said(score)}' for when, score in points)}."
    return _svg(width, height, label, body, "trend")


@dataclass(frozen=True)
class Span:
    """A stretch of the interview; milliseconds on the call clock."""

    start_ms: int
    end_ms: int


def track(
    total_ms: int,
    questions: Sequence[Span],
    interviewer: Sequence[Span],
    candidate: Sequence[Span],
    evidence: Sequence[int],
    happened: Sequence[int] = (),
) -> str:
    """The whole interview as one line: questions above, who spoke below, quoted places as ticks, tool calls and lost connections as dashes.

    Stretched to the width of its place.

    It has no text, because that would be stretched too; the page says the same in words beside it.
    """
    width, height, total = 1000, 56, max(total_ms, 1)

    def bar(span: Span, y: int, high: int, kind: str, fill: str, extra: str = "") -> str:
        x, end = (width * min(max(ms / total, 0), 1) for ms in (span.start_ms, span.end_ms))
        return f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{max(end - x, 1.5):.1f}" height="{high}" fill="{fill}"{extra}/>'

    body = f'<rect class="t-ground" x="0" y="0" width="{width}" height="{height}" fill="none"/>'
    for n, span in enumerate(questions):
        shorter = Span(span.start_ms, max(span.start_ms, span.end_ms - round(total / 400)))
        body += bar(shorter, 0, 14, f"t-question t-question-{n % 2}", FILL, f' fill-opacity="{0.35 if n % 2 else 0.55}"')
    body += "".join(bar(span, 20, 10, "t-interviewer", SOFT) for span in interviewer)
    body += "".join(bar(span, 34, 10, "t-candidate", FILL) for span in candidate)
    body += "".join(bar(Span(at, at), 48, 8, "t-evidence", INK) for at in evidence)
    body += "".join(
        bar(Span(at, at), 15, 4, "t-happened", HAPPENED) + bar(Span(at, at), 31, 2, "t-happened", HAPPENED) for at in happened
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="track-picture" role="img" aria-label="Time line of the interview, described in the '
        f'transcript" viewBox="0 0 {width} {height}" width="{width}" height="{height}" preserveAspectRatio="none">{body}</svg>'
    )
