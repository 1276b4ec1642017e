"""How the time went, from our own clocks and words: minutes a question, talk share, pace, fillers, pauses, response times.

Nothing is asked of a model and nothing is guessed: what cannot be known (the pace of a typed answer) is None. Times are
seconds on the call clock, which stands still while nobody is connected. Read next: `scoring.time_score`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bridge.domain.events import CursorMoved, Event, InterviewEnded, QuestionAsked, Speaker, TurnSource
from bridge.domain.questions import Question
from bridge.domain.segments import Segment, Turn

SPOKEN = frozenset({TurnSource.SPEECH.value, TurnSource.BROWSER.value})
LONG_PAUSE_SECONDS = 4.0
MIN_PACE_SECONDS = 5.0
MIN_PACE_WORDS = 10
"""Fewer words or seconds than these say nothing about pace."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SOUNDS = frozenset({"um", "umm", "uh", "uhm", "er", "erm", "ah", "hmm", "hm", "mm"})
_EMPTY = frozenset({"basically", "actually", "literally"})
_KINDS = frozenset(
    {"a", "an", "any", "different", "each", "every", "no", "one", "other", "same", "some", "that", "the", "this", "what", "which"}
)
_PAIRS: dict[tuple[str, str], frozenset[str]] = {
    ("you", "know"): frozenset(
        {"as", "because", "do", "did", "does", "don't", "how", "if", "let", "lets", "once", "should", "since", "that", "what"}
        | {"when", "where", "whether", "who", "why", "would"}
    ),
    ("i", "mean"): frozenset({"what", "do", "did", "that", "which"}),
    ("kind", "of"): _KINDS,
    ("sort", "of"): _KINDS,
}
"""Two-word fillers, with the words that make them ordinary speech when they stand just before."""
_LIKE_BEFORE = frozenset({"and", "but", "so", "was", "were", "just"})
_LIKE_AFTER = frozenset({"i", "i'm", "we", "we're", "you", "they", "he", "she", "it's", "there's"})


@dataclass(frozen=True)
class QuestionClock:
    """How one question's time went; seconds."""

    question_id: str
    target_seconds: int
    seconds: float | None = None
    """From asking until the floor moved on; None when it was not asked."""
    share: float | None = None
    """`seconds` out of `target_seconds`."""
    speaking_seconds: float | None = None
    words: int = 0
    words_per_minute: int | None = None
    response_seconds: float | None = None
    """From the end of the question to the first spoken word."""


@dataclass(frozen=True)
class Pause:
    """A silence inside a candidate's answer."""

    question_id: str | None
    start_ms: int
    seconds: float


@dataclass(frozen=True)
class Clocks:
    """How the interview's time went."""

    interview_seconds: float | None
    candidate_seconds: float | None
    interviewer_seconds: float | None
    talk_share: float | None
    """Candidate's speech out of all speech, 0–1."""
    words: int
    words_per_minute: int | None
    fillers: Mapping[str, int]
    fillers_per_minute: float | None
    pauses: tuple[Pause, ...]
    response_seconds: float | None
    """Median over every question and follow-up that was answered by voice."""
    questions: tuple[QuestionClock, ...]


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def fillers(text: str) -> Counter[str]:
    """Filler words of a text. “like” and the two-word ones count only where the words around them leave no ordinary reading."""
    matches = list(_WORD.finditer(text))
    said = [match.group().lower().replace("’", "'") for match in matches]
    found: Counter[str] = Counter()
    for i, word in enumerate(said):
        before, after = said[i - 1] if i else "", said[i + 1] if i + 1 < len(said) else ""
        if word in _SOUNDS or word in _EMPTY:
            found[word] += 1
        elif word == "like":
            left = text[matches[i - 1].end() : matches[i].start()] if i else ""
            right = text[matches[i].end() : matches[i + 1].start()] if after else ""
            apart = "," in left and "," in right
            beside = bool({before, after} & (_SOUNDS | {"like"}))
            if apart or beside or (before in _LIKE_BEFORE and after in _LIKE_AFTER):
                found["like"] += 1
        elif (word, after) in _PAIRS and before not in _PAIRS[word, after]:
            found[f"{word} {after}"] += 1
    return found


def is_filler_only(text: str) -> bool:
    """Whether a text has no word that says anything."""
    return all(word in _SOUNDS for word in words(text))


def speaking_seconds(turns: Iterable[Turn]) -> float:
    """Seconds in which at least one of the turns was being spoken."""
    total, until = 0, -1
    for start, end in sorted((turn.start_ms, turn.end_ms) for turn in turns):
        total += max(0, end - max(start, until))
        until = max(until, end)
    return total / 1000


def pace(turns: Sequence[Turn]) -> int | None:
    """Words a minute of spoken turns; None when there is too little to tell."""
    seconds = speaking_seconds(turns)
    said = sum(len(words(turn.text)) for turn in turns)
    if seconds < MIN_PACE_SECONDS or said < MIN_PACE_WORDS:
        return None
    return round(said * 60 / seconds)


def measure(questions: Sequence[Question], turns: Sequence[Turn], segments: Sequence[Segment], events: Sequence[Event]) -> Clocks:
    """Every number at once."""
    turns = sorted(turns, key=lambda turn: (turn.start_ms, turn.end_ms))
    candidate = [turn for turn in turns if turn.speaker is Speaker.CANDIDATE]
    spoken = [turn for turn in candidate if turn.source in SPOKEN]
    interviewer = [turn for turn in turns if turn.speaker is Speaker.INTERVIEWER]
    end_ms = _end(turns, segments, events)
    own, other = speaking_seconds(spoken), speaking_seconds(interviewer)
    said: Counter[str] = Counter()
    for turn in spoken:
        said += fillers(turn.text)
    rate = pace(spoken)
    responses = _responses(turns, events)
    return Clocks(
        interview_seconds=end_ms / 1000 if end_ms is not None else None,
        candidate_seconds=round(own, 1) if spoken else None,
        interviewer_seconds=round(other, 1) if interviewer else None,
        talk_share=round(own / (own + other), 2) if spoken and interviewer and own + other > 0 else None,
        words=sum(len(words(turn.text)) for turn in candidate),
        words_per_minute=rate,
        fillers=dict(said.most_common()),
        fillers_per_minute=round(said.total() * 60 / own, 1) if rate is not None else None,
        pauses=_pauses(turns),
        response_seconds=round(median(value for _, value in responses), 1) if responses else None,
        questions=_questions(questions, candidate, segments, events, end_ms=end_ms, responses=responses),
    )


def _questions(
    questions: Sequence[Question],
    candidate: Sequence[Turn],
    segments: Sequence[Segment],
    events: Sequence[Event],
    *,
    end_ms: int | None,
    responses: Sequence[tuple[str, float]],
) -> tuple[QuestionClock, ...]:
    asked = _asked(segments, events)
    first_response = dict(reversed(responses))
    clocks = []
    for question in questions:
        target = round(question.minutes * 60)
        if question.id not in asked:
            clocks.append(QuestionClock(question.id, target))
            continue
        start = asked[question.id]
        left = [event.at_ms for event in events if isinstance(event, CursorMoved) and event.from_id == question.id]
        later = [at for at in [*left, *asked.values()] if at > start] or ([end_ms] if end_ms is not None else [])
        seconds = max(0, min(later) - start) / 1000 if later else None
        own = [turn for turn in candidate if turn.question_id == question.id]
        spoken = [turn for turn in own if turn.source in SPOKEN]
        clocks.append(
            QuestionClock(
                question.id,
                target,
                seconds=round(seconds, 1) if seconds is not None else None,
                share=round(seconds / target, 2) if seconds is not None and target else None,
                speaking_seconds=round(speaking_seconds(spoken), 1) if spoken else None,
                words=sum(len(words(turn.text)) for turn in own),
                words_per_minute=pace(spoken),
                response_seconds=first_response.get(question.id),
            )
        )
    return tuple(clocks)


def _asked(segments: Sequence[Segment], events: Sequence[Event]) -> dict[str, int]:
    """When each question was first asked."""
    asked = {segment.question_id: segment.start_ms for segment in segments}
    for event in reversed(events):
        if isinstance(event, QuestionAsked) and not event.follow_up:
            asked[event.question_id] = event.at_ms
    return asked


def _end(turns: Sequence[Turn], segments: Sequence[Segment], events: Sequence[Event]) -> int | None:
    ended = [event.at_ms for event in events if isinstance(event, InterviewEnded)]
    known = [*(turn.end_ms for turn in turns), *(segment.end_ms for segment in segments), *(event.at_ms for event in events)]
    return ended[-1] if ended else max(known, default=None)


def _pauses(turns: Sequence[Turn]) -> tuple[Pause, ...]:
    """Silences of `LONG_PAUSE_SECONDS` or more between two spoken turns of one answer."""
    found = []
    for before, after in pairwise(turns):
        same = before.speaker is after.speaker is Speaker.CANDIDATE and before.question_id == after.question_id
        seconds = (after.start_ms - before.end_ms) / 1000
        if same and before.source in SPOKEN and after.source in SPOKEN and seconds >= LONG_PAUSE_SECONDS:
            found.append(Pause(before.question_id, before.end_ms, round(seconds, 1)))
    return tuple(found)


def _responses(turns: Sequence[Turn], events: Sequence[Event]) -> list[tuple[str, float]]:
    """Seconds from the end of each question or follow-up to the answer's first spoken word, in order of asking."""
    asked = [event for event in events if isinstance(event, QuestionAsked)]
    found = []
    for i, event in enumerate(asked):
        until = asked[i + 1].at_ms if i + 1 < len(asked) else None
        here = [t for t in turns if t.start_ms >= event.at_ms and (until is None or t.start_ms < until)]
        asking = next((t for t in here if t.speaker is Speaker.INTERVIEWER), None)
        answer = next((t for t in here if t.speaker is Speaker.CANDIDATE and t.question_id == event.question_id), None)
        if asking is None or answer is None or answer.source not in SPOKEN:
            continue
        said = [t.end_ms for t in here if t.speaker is Speaker.INTERVIEWER and t.start_ms <= answer.start_ms]
        if said:
            found.append((event.question_id, round(max(0, answer.start_ms - max(said)) / 1000, 1)))
    return found
