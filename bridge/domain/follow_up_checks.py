"""Whether a follow-up written during the interview may be said: one short question that gives nothing away (A9).

What a model writes while a candidate talks to it is not to be trusted: whoever has been talked round reads out key points, the model answer, its rules or a
score. So everything is checked here, against the texts themselves, and what fails is never said. Read next: `question_checks`, `judging`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .coverage import Shown, cover
from .likeness import stem
from .question_checks import FORBIDDEN, MAX_FOLLOW_UP, UNSPEAKABLE, is_alike
from .questions import KeyPoint, Question
from .similarity import EVERYDAY

MIN_FOLLOW_UP = 10
MAX_WORDS = 40
MAX_SENTENCES = 2
"""A short lead and the question."""
TELLING_SHARE = 0.75
"""From which share of a key point's telling words on it counts as said."""
RUN_WORDS = 6
"""So many words in a row of a text that must stay with us."""
ABOUT_US = re.compile(
    r"\b(key points?|prompt|instructions?|system message|rubric|model answer|ideal answer|expected answer|sample answer|score[ds]?|grade[ds]?|graded|marks?\b"
    r"|out of (ten|a hundred|10|100)|\d+ ?/ ?\d+|as an ai|language model|correct answer|right answer|the answer is|you should (say|mention|have said))",
    re.IGNORECASE,
)
"""Talk about the interview instead of its subject."""
_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")


def fault(text: str, question: Question, answer: str, shown: Collection[str], asked: Collection[str]) -> str:
    """Why it may not be said, in a few words for the log; empty when it may.

    `shown` are key points the answer shows already: the candidate knows them. `asked` are the texts of this question's follow-ups so far.
    """
    if not MIN_FOLLOW_UP <= len(text) <= MAX_FOLLOW_UP or len(text.split()) > MAX_WORDS:
        return "length"
    if text.count("?") != 1 or not text.endswith("?") or len(_SENTENCE.findall(text)) > MAX_SENTENCES:
        return "not one question"
    if UNSPEAKABLE.search(text) or FORBIDDEN.search(text):
        return "cannot be spoken"
    if ABOUT_US.search(text):
        return "about the interview"
    if why := gives_away(text, question, answer, shown):
        return why
    if is_alike(text, (*asked, question.text)):
        return "asked already"
    return ""


def gives_away(text: str, question: Question, answer: str, shown: Collection[str]) -> str:
    """Which of our own texts it tells, in a few words; empty when none."""
    hidden = [point for point in question.key_points if point.id not in shown]
    if any(found.shown is Shown.YES for found in cover(hidden, text)) or any(_says(point, text, question) for point in hidden):
        return "gives a key point away"
    known = _runs(answer) | _runs(question.text) | _runs(question.spoken)
    kept = [question.model_answer, question.motivation, *(point.text for point in hidden)]
    return "reads out what is ours" if any((_runs(text) - known) & _runs(each) for each in kept) else ""


def _says(point: KeyPoint, text: str, question: Question) -> bool:
    """Whether a key point's own text is there: word for word, or nearly all its telling words, beside those the question gave away."""
    given = _stems(question.text) | _stems(question.spoken)
    wanted = _stems(point.text) - given
    if len(wanted) >= 2 and len(wanted & _stems(text)) >= TELLING_SHARE * len(wanted):
        return True
    return f" {' '.join(_WORD.findall(point.text.lower()))} " in f" {' '.join(_WORD.findall(text.lower()))} "


def _stems(text: str) -> set[str]:
    return {stem(word) for word in _WORD.findall(text.lower()) if word not in EVERYDAY}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + RUN_WORDS]) for i in range(len(words) - RUN_WORDS + 1)}
