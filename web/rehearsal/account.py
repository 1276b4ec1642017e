"""What a rehearsal amounts to: who said what, what was heard of it, whether each answer stands with its own question, how long all took.

`Account` is filled by the client while it goes; `as_json` is the object of `prepkit rehearse --json`. No clock but the one it marks times with, no socket.
Read next: `progress` (the same for people).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bridge.domain.wer import edits, word_error_rate, words
from bridge.wire.candidate import BYTES_PER_MS

from .candidate import Answer, Asked


@dataclass(frozen=True)
class Pair:
    """A question with what was said to it and what was heard."""

    question_id: str
    asked: str
    said: str
    heard: str
    wer: float | None
    """None when nobody knows what was said (a recording without its words)."""
    paired: bool | None
    """Whether what was heard is nearer to this answer than to any other, and the other way round; None when it cannot be known."""


@dataclass
class Account:
    """One rehearsal, as its client saw it."""

    session_id: str = ""
    minutes: int = 0
    legs: int = 0
    """Connections."""
    close_codes: list[int | None] = field(default_factory=list)
    """How each connection ended; None when it broke."""
    nudges: int = 0
    """Times the candidate had to press "that's my answer"."""
    spoken_seconds: float = 0.0
    reactions: list[float] = field(default_factory=list)
    """Seconds from the end of each answer to the interviewer's next word."""
    answers: list[Answer] = field(default_factory=list)
    typed_acks: list[tuple[str, str]] = field(default_factory=list)
    """(turn id, text) of typed answers the server said it had stored."""
    report: dict[str, Any] = field(default_factory=dict)
    interview: dict[str, Any] = field(default_factory=dict)
    _questions: dict[str, Asked] = field(default_factory=dict)
    _turns: dict[str, dict[str, Any]] = field(default_factory=dict)
    _segments: dict[str, dict[str, Any]] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _marks: dict[str, float] = field(default_factory=dict)

    # While it goes --------------------------------------------------------------------------------------------------
    def mark(self, name: str) -> None:
        """Note the time of something, the first time it happens."""
        self._marks.setdefault(name, round(time.monotonic() - self._began, 2))

    def heard_audio(self, pcm: bytes) -> None:
        """Interviewer audio has arrived."""
        self.mark("firstAudio")
        self._marks["interviewerSeconds"] = self._marks.get("interviewerSeconds", 0.0) + len(pcm) / (1000 * BYTES_PER_MS)

    def asked(self, asked: Asked) -> None:
        """A question has been put."""
        if not asked.follow_up:
            self._questions.setdefault(asked.question_id, asked)

    def turn(self, data: Mapping[str, Any]) -> None:
        """A turn has been acknowledged; a later one of the same id is the same turn, grown."""
        kept = {name: data.get(name) for name in ("turnId", "speaker", "text", "questionId", "final")}
        self._turns[str(data["turnId"])] = kept

    def segment(self, data: Mapping[str, Any]) -> None:
        """A segment has been acknowledged."""
        self._segments[str(data["questionId"])] = dict(data)

    def heard(self, question_id: str) -> str:
        """What the server has acknowledged of the answers to a question so far."""
        return str(self._segments.get(question_id, {}).get("answer", ""))

    # Afterwards -----------------------------------------------------------------------------------------------------
    @property
    def ready(self) -> bool:
        """Whether there is a report."""
        return bool(self.report)

    @property
    def pairs(self) -> list[Pair]:
        """Every asked question with its answer, from the interview as stored."""
        stored = {segment["questionId"]: segment for segment in self.interview.get("segments", [])}
        said = {question_id: self._said(question_id) for question_id in self._questions}
        heard = {question_id: str(stored.get(question_id, {}).get("answer", "")) for question_id in self._questions}
        return [
            Pair(
                question_id,
                asked.text,
                said[question_id] or "",
                heard[question_id],
                _rate(said[question_id], heard[question_id]),
                _paired(question_id, said, heard),
            )
            for question_id, asked in self._questions.items()
        ]

    def _said(self, question_id: str) -> str | None:
        own = [answer for answer in self.answers if answer.asked.question_id == question_id]
        if any(not piece.text for answer in own for piece in answer.pieces):
            return None
        return " ".join(answer.said for answer in own if answer.said)

    @property
    def word_error_rate(self) -> float | None:
        """Over all answers whose words are known, each word counting the same."""
        known = [pair for pair in self.pairs if pair.wer is not None]
        said = sum(len(words(pair.said)) for pair in known)
        return sum(edits(words(pair.said), words(pair.heard)) for pair in known) / said if said else None

    @property
    def all_paired(self) -> bool | None:
        """Whether every asked question has its own answer; None when it cannot be known."""
        verdicts = [pair.paired for pair in self.pairs]
        return False if False in verdicts or not verdicts else None if None in verdicts else True

    @property
    def lost(self) -> list[str]:
        """Acknowledged turns that the stored interview does not hold, or holds with other words."""
        stored = {turn["turnId"]: turn["text"] for turn in self.interview.get("transcript", [])}
        shown = {turn_id: str(turn["text"]) for turn_id, turn in self._turns.items()} | dict(self.typed_acks)
        return [turn_id for turn_id, text in shown.items() if not stored.get(turn_id, "").startswith(text)]

    def as_json(self) -> dict[str, Any]:
        """The object of `prepkit rehearse --json`."""
        rate = self.word_error_rate
        return {
            "sessionId": self.session_id,
            "ok": self.ready,
            "report": self.short_report(),
            "wer": None if rate is None else round(rate, 3),
            "paired": self.all_paired,
            "pairs": [
                {
                    "questionId": pair.question_id,
                    "asked": pair.asked,
                    "said": pair.said,
                    "heard": pair.heard,
                    "wer": None if pair.wer is None else round(pair.wer, 3),
                    "paired": pair.paired,
                }
                for pair in self.pairs
            ],
            "turns": list(self._turns.values()),
            "typed": [{"turnId": turn_id, "text": text} for turn_id, text in self.typed_acks],
            "lostTurns": self.lost,
            "segments": [
                {"questionId": s["questionId"], "n": s["n"], "turnIds": s["turnIds"], "followUps": s["followUps"]}
                for s in self.interview.get("segments", [])
            ],
            "connections": self.legs,
            "closeCodes": self.close_codes,
            "nudges": self.nudges,
            "cutOff": sum(answer.cut_off for answer in self.answers),
            "timings": self._timings(),
        }

    def short_report(self) -> dict[str, Any] | None:
        """The report in a few lines; None without one."""
        if not self.report:
            return None
        return {
            "reportId": self.report.get("reportId"),
            "overallScore": self.report.get("overallScore"),
            "generatedBy": self.report.get("generatedBy"),
            "questions": [
                {"questionId": q["questionId"], "status": q["status"], "score": q["userScore"]}
                for q in self.report.get("questionAnalysis", [])
            ],
        }

    def _timings(self) -> dict[str, Any]:
        return {
            **{name: round(value, 2) for name, value in self._marks.items()},
            "candidateSeconds": round(self.spoken_seconds, 2),
            "reactionSeconds": {
                "median": round(median(self.reactions), 2) if self.reactions else None,
                "max": round(max(self.reactions), 2) if self.reactions else None,
            },
        }


def _rate(said: str | None, heard: str) -> float | None:
    return None if said is None else word_error_rate(said, heard)


def _paired(question_id: str, said: Mapping[str, str | None], heard: Mapping[str, str]) -> bool | None:
    own = said[question_id]
    if own is None or any(other is None for other in said.values()):
        return None
    if not own:
        return not heard[question_id]
    if not heard[question_id]:
        return False
    mine = word_error_rate(own, heard[question_id])
    # The same words said to two questions cannot be told apart, and need not be.
    others = [other for other, words_said in said.items() if words_said != own]
    by_said = all(mine <= word_error_rate(said[other] or "", heard[question_id]) for other in others)
    by_heard = all(mine <= word_error_rate(own, heard[other]) for other in others)
    return by_said and by_heard
