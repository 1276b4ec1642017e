"""Whether a written question may be asked: its limits, its spoken form, and that every key point can be heard in an answer (R-031, R-032, R-036, R-037).

Each fault is a sentence the model can act on. A question without faults behaves like one of the bank: its own model answer shows all of its key
points, the question itself and small talk show none. Read next: `coverage`, `similarity`, `bridge.usecases.write_questions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from .catalog import TYPES
from .coverage import Shown, cover
from .question_plan import Slot
from .questions import KeyPoint, Question
from .similarity import similarity

MIN_TEXT, MAX_TEXT = 25, 400
MAX_FOLLOW_UP = 200
MAX_POINT = 200
MAX_MOTIVATION = 400
MIN_POINTS, MAX_POINTS = 3, 6
MIN_WORDS, MAX_WORDS = 3, 40
"""Alternatives that show a key point."""
MAX_WORD = 60
FOLLOW_UPS = range(2, 4)
ANSWER_WORDS = range(30, 251)
ALIKE = 0.83
"""From which on two questions ask the same: the bank's own questions reach 0.82 with each other."""
SMALL_TALK = "well um thank you for the question i think it is a good one let me think about it for a moment please"
UNSPEAKABLE = re.compile(r"[<>{}\[\]()|*_`~^=+#@\\/$%&€£§°•…]|[\x00-\x1f\x7f]|--|\.\.")
FORBIDDEN = re.compile(r"\{\{|\}\}|\{%|%\}|https?:|www\.|<\s*/?\s*(?:script|style|iframe|img|svg)\b", re.IGNORECASE)
"""Templates of a vendor, links, and tags no question needs."""


def tidy(question: Question) -> Question:
    """The question with key-point words that cannot tell anything taken out: those that the question or small talk say themselves."""
    given_away = f"{question.text}. {question.spoken}"

    def telling(word: str) -> bool:
        probe = (KeyPoint("", "", ((word,),)),)
        return not any(cover(probe, text)[0].shown is Shown.YES for text in (given_away, SMALL_TALK))

    points = tuple(
        replace(point, shows=tuple(tuple(word for word in group if telling(word)) for group in point.shows))
        for point in question.key_points
    )
    return replace(question, key_points=points)


def faults(question: Question, slot: Slot) -> list[str]:
    """What is wrong with it, at most one sentence for each rule."""
    return [fault for rule in (_texts, _place(slot), _points, _follow_ups, _coverage) for fault in rule(question)]


def is_alike(text: str, others: Iterable[str]) -> bool:
    """Whether one of the other questions asks nearly the same, in whatever order of words."""
    return any(min(similarity("", text, other), similarity("", other, text)) >= ALIKE for other in others)


def _texts(question: Question) -> Iterator[str]:
    for name, text, longest in (("text", question.text, MAX_TEXT), ("spoken", question.spoken, MAX_TEXT)):
        if not MIN_TEXT <= len(text) <= longest:
            yield f"{name} must have {MIN_TEXT} to {longest} characters."
    if not 0 < len(question.motivation) <= MAX_MOTIVATION:
        yield f"motivation must be one sentence of at most {MAX_MOTIVATION} characters."
    if (words := len(question.model_answer.split())) not in ANSWER_WORDS:
        yield f"modelAnswer has {words} words; {ANSWER_WORDS[0]} to {ANSWER_WORDS[-1]} are allowed."
    if found := UNSPEAKABLE.search(question.spoken):
        yield f"spoken holds {found.group()!r}, which cannot be spoken."
    everything = (question.text, question.spoken, question.motivation, question.model_answer)
    more = (*(point.text for point in question.key_points), *(follow_up.text for follow_up in question.follow_ups))
    if any(FORBIDDEN.search(text) for text in (*everything, *more)):
        yield "No text may hold a link, a template or a tag."


def _place(slot: Slot) -> Callable[[Question], Iterator[str]]:
    def rule(question: Question) -> Iterator[str]:
        if slot.area is not None and question.focus_area != slot.area:
            yield f'focusArea must be "{slot.area}".'
        elif question.focus_area not in TYPES[question.type].areas:
            yield f"focusArea must be one of {', '.join(TYPES[question.type].areas)}."

    return rule


def _points(question: Question) -> Iterator[str]:
    points = question.key_points
    if not MIN_POINTS <= len(points) <= MAX_POINTS:
        yield f"There must be {MIN_POINTS} to {MAX_POINTS} keyPoints."
    if len({point.text.casefold() for point in points}) < len(points):
        yield "Every key point must be a different one."
    for n, point in enumerate(points, 1):
        if not 0 < len(point.text) <= MAX_POINT:
            yield f"Key point {n} must be one short sentence."
        for group in point.shows:
            if not MIN_WORDS <= len(group) <= MAX_WORDS:
                yield f"Key point {n} needs {MIN_WORDS} to {MAX_WORDS} words that the question does not say itself."
            if any(len(word) > MAX_WORD for word in group):
                yield f"The words of key point {n} must be short phrases."


def _follow_ups(question: Question) -> Iterator[str]:
    points = {point.id: point for point in question.key_points}
    if len(question.follow_ups) not in FOLLOW_UPS:
        yield "There must be two or three followUps."
    if len({follow_up.text.casefold() for follow_up in question.follow_ups}) < len(question.follow_ups):
        yield "Every follow-up must be a different one."
    for n, follow_up in enumerate(question.follow_ups, 1):
        if follow_up.about not in points:
            yield f"Follow-up {n} is about no key point there is."
        elif cover((points[follow_up.about],), follow_up.text)[0].shown is Shown.YES:
            yield f"Follow-up {n} says the key point it should draw out."
        if not 10 <= len(follow_up.text) <= MAX_FOLLOW_UP:
            yield f"Follow-up {n} must have 10 to {MAX_FOLLOW_UP} characters."
        if found := UNSPEAKABLE.search(follow_up.text):
            yield f"Follow-up {n} holds {found.group()!r}, which cannot be spoken."


def _coverage(question: Question) -> Iterator[str]:
    numbers = {point.id: n for n, point in enumerate(question.key_points, 1)}
    for found in cover(question.key_points, question.model_answer):
        if found.shown is not Shown.YES:
            yield f"modelAnswer does not say any of the words of key point {numbers[found.key_point_id]}."
    for text, name in ((question.text, "text"), (question.spoken, "spoken")):
        for found in cover(question.key_points, text):
            if found.shown is Shown.YES:
                yield f"{name} gives key point {numbers[found.key_point_id]} away."
