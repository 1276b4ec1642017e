"""The terminal of a rehearsal: a line per turn as it is stored, a bar below while standard output is a terminal, a summary at the end.

Plain ANSI, 80 columns. Without a terminal there are only lines. Read next: `web.commands.rehearse`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, TextIO

from .account import Account

WIDTH = 80
BAR = 16
CLEAR_LINE = "\r\x1b[2K"
SPEAKERS = {"interviewer": "Interviewer", "candidate": "You"}
OWN = {True: "its own answer", False: "NOT ITS OWN ANSWER", None: "answer not checked"}
PAIRING = {
    True: "every asked question has its own answer",
    False: "an answer stands with the wrong question, or with none",
    None: "not known",
}
UNKNOWN_RATE = "unknown (nobody knows the words of the recordings)"


class Progress:
    """Shows what the client tells it; a `Watch`."""

    def __init__(self, out: TextIO, *, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._live = out.isatty() and not quiet
        self._stage = "Starting"
        self._question = ""
        self._interim = ""
        self._clock = (0, 0)
        self._shown: set[str] = set()

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """Show one thing."""
        match kind:
            case "stage":
                self._stage = str(data["text"])
            case "question":
                self._question = f"question {data['n']} of {data['of']}" + (", follow-up" if data.get("followUp") else "")
            case "clock":
                self._clock = (int(data["elapsed"]), int(data["total"]))
            case "interim":
                self._interim = str(data["text"])
            case "notice":
                self.line(f"· {data.get('message', '')}")
            case "turn" if data.get("final") and data["turnId"] not in self._shown:
                self._shown.add(data["turnId"])
                self._interim = ""
                self.turn(str(data["speaker"]), str(data["text"]))
        self._draw()

    def turn(self, speaker: str, text: str) -> None:
        """A stored turn."""
        self.line(textwrap.fill(text, WIDTH, initial_indent=f"{SPEAKERS.get(speaker, speaker)}: ", subsequent_indent="    "))

    def line(self, text: str) -> None:
        """A line above the bar."""
        if self._quiet:
            return
        if self._live:
            self._out.write(CLEAR_LINE)
        self._out.write(text + "\n")
        self._out.flush()

    def _draw(self) -> None:
        if not self._live:
            return
        elapsed, total = self._clock
        filled = min(BAR, BAR * elapsed // total) if total else 0
        parts = [f"[{'#' * filled}{'-' * (BAR - filled)}] {_minutes(elapsed)}/{_minutes(total)}", self._question, self._stage]
        if self._interim:
            parts.append("…" + self._interim[-30:])
        self._out.write(CLEAR_LINE + "  ".join(part for part in parts if part)[: WIDTH - 1])
        self._out.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._live:
            self._out.write(CLEAR_LINE)
            self._out.flush()


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def summary(account: Account, url: str | None) -> list[str]:
    """The report in a few lines, and what was heard of what was said; `url` is the server, if it is still there afterwards."""
    report = account.report
    score = report.get("overallScore")
    lines = ["", "Report", f"  Coverage overall: {'not scored' if score is None else f'{score} of 100'}"]
    pairs = {pair.question_id: pair for pair in account.pairs}
    for n, question in enumerate(report.get("questionAnalysis", []), 1):
        pair = pairs.get(question["questionId"])
        points = "–" if question["userScore"] is None else str(question["userScore"])
        misheard = "" if pair is None or pair.wer is None else f", {pair.wer:.0%} of words misheard"
        lines += textwrap.wrap(f"{n}. {question['questionText']}", WIDTH - 2, initial_indent="  ", subsequent_indent="     ")
        own = OWN[pair.paired] if pair else "not asked"
        lines.append(f"     {points:>3} · {question['status']} · {own}{misheard}")
    rate = account.word_error_rate
    lines.append("  Word error rate: " + (UNKNOWN_RATE if rate is None else f"{rate:.1%}"))
    lines.append(f"  Pairing: {PAIRING[account.all_paired]}")
    if account.lost:
        lines.append(f"  {len(account.lost)} acknowledged turns are missing from the transcript.")
    if account.legs > 1:
        lines.append(f"  Connections: {account.legs}; the interview was resumed.")
    if url is not None:
        lines.append(f"  {url}/interviews/{account.session_id}/report")
    return lines
