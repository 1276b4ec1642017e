"""A person's review of an interview: who may have one, who works on it, what it holds (R-106, C-58). Rules without I/O.

A reviewer's scores stand beside the model's and never replace them. Read next: `bridge.usecases.reviewing`, `reporting.reviewed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ..errors import Conflict, InvalidInput
from .pricing import PLANS, Plan, Tariff

CLAIM = timedelta(hours=24)
"""A review that was taken on and not handed in for so long may be taken on by another."""


class ReviewState(StrEnum):
    """Where a review stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True)
class Mark:
    """What a reviewer says of one question. `score` is of 100; None where there was nothing to score."""

    question_id: str
    score: int | None
    comment: str = ""


@dataclass(frozen=True)
class Review:
    """One interview's place in the queue, and what came of it."""

    session_id: str
    user_id: str | None
    month: str
    asked_at: datetime
    due_at: datetime
    reviewer_id: str | None = None
    taken_at: datetime | None = None
    done_at: datetime | None = None
    marks: tuple[Mark, ...] = ()
    comment: str = ""

    @property
    def state(self) -> ReviewState:
        """By its times."""
        if self.done_at is not None:
            return ReviewState.DONE
        return ReviewState.TAKEN if self.reviewer_id is not None else ReviewState.WAITING

    def late(self, now: datetime) -> bool:
        """Whether its deadline has passed."""
        return self.done_at is None and now > self.due_at


def allowance(plan: Plan, tariff: Tariff | None) -> int:
    """Reviews a calendar month that a plan includes by this price list."""
    return PLANS[plan].reviews_per_month if tariff is not None and plan in tariff.plans else 0


def offered(tariff: Tariff | None) -> bool:
    """Whether any plan that is sold here includes one."""
    return any(allowance(plan, tariff) for plan in Plan)


def check_free(review: Review, person_id: str, now: datetime, *, alone: bool = False) -> None:
    """Whether this person may take it on; one's own only where there is nobody else. Raises Conflict in words."""
    if review.done_at is not None:
        raise Conflict("This interview has been reviewed.")
    if review.user_id == person_id and not alone:
        raise Conflict("Somebody else has to review your own interview.")
    held = review.taken_at is not None and now < review.taken_at + CLAIM
    if held and review.reviewer_id not in (None, person_id):
        raise Conflict("Another reviewer is at work on this interview.")


def check_mine(review: Review, person_id: str) -> None:
    """Whether this person may hand it in. Raises Conflict in words."""
    if review.done_at is not None:
        raise Conflict("This interview has been reviewed.")
    if review.reviewer_id != person_id:
        raise Conflict("Take this interview on first: another reviewer may be at work on it.")


def check_marks(marks: Sequence[Mark], report: Mapping[str, Any]) -> tuple[Mark, ...]:
    """A mark for each question of the report, in its order; every answered one scored, no other. Raises InvalidInput."""
    given = {mark.question_id: mark for mark in marks}
    questions = report["questionAnalysis"]
    if len(given) != len(marks) or not set(given) <= {question["questionId"] for question in questions}:
        raise InvalidInput("Score each question of this interview once.")
    made = []
    for question in questions:
        mark = given.get(question["questionId"], Mark(question["questionId"], None))
        answered = question["status"] == "assessed"
        if answered and mark.score is None:
            raise InvalidInput(f"Question {question['order']} was answered and has no score yet.")
        if not answered and mark.score is not None:
            raise InvalidInput(f"Question {question['order']} was not answered, so it cannot be scored.")
        made.append(mark)
    if all(mark.score is None for mark in made):
        raise InvalidInput("Nothing in this interview can be scored.")
    return tuple(made)
