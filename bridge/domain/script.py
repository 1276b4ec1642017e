"""The interviewer's own words around the questions: greeting, bridges, cut-in, resume, goodbye (R-043, R-048…R-050).

Chosen by position, so that a repeat of the same call says the same. Never names a key point: what is missing is drawn out by a follow-up.
"""

from __future__ import annotations

from collections.abc import Sequence

from .catalog import TYPES
from .questions import Question
from .setup import InterviewSetup

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
BRIDGES_TO_NEXT = (
    "Thank you. Let's go on.",
    "Good, thanks for walking me through that. Next one.",
    "Thanks, that helps me follow your thinking. Moving on.",
    "All right, thank you. Here is the next question.",
)
BRIDGES_TO_FOLLOW_UP = ("I see.", "Okay, let's stay with that for a moment.", "Thanks. One more on this.")
BRIDGE_AFTER_UNKNOWN = "That's fine, it happens in real interviews too."
BRIDGE_AFTER_SKIP = "No problem, let's take the next one."
CUT_INS = (
    "Let me stop you there, so that we have time for everything.",
    "I'll jump in here, just to keep an eye on the time.",
)
TAKE_YOUR_TIME = "Take your time."
"""Shown while a silence is held; nobody says it."""
NUDGE = "Take your time. I can repeat the question if you like."
REPEAT = "Of course."
HINT = "Here is a hint."
NO_HINTS = "I can't give hints in this interview; I'd like to hear your own thinking. Take your time."
NO_HINTS_LEVEL = "There are no hints at this difficulty. Say what you would look at first, and take your time."
NO_MORE_HINTS = "That was all I can give you on this one. Say what you have, and take your time."


def count_word(n: int) -> str:
    """A small number as a word."""
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else str(n)


def greeting(setup: InterviewSetup, count: int) -> str:
    """The first words of an interview."""
    title = TYPES[setup.type].title.replace("&", "and").replace("HR", "H R")
    questions = "question" if count == 1 else "questions"
    return (
        f"Hello, and welcome. I'm your interviewer today. We have about {setup.duration_minutes} minutes "
        f"and {count_word(count)} {questions} on {title}. Think out loud, and take the time you need. Let's begin."
    )


def welcome_back(question: Question | None, position: int, said: str, *, taking_over: bool = False) -> str:
    """The first words after a lost connection, or after a lost voice: where we were, and what was last heard."""
    hello = "Sorry, we lost the line for a moment." if taking_over else "Welcome back."
    if question is None:
        return f"{hello} We had just finished the questions."
    where = f"{hello} We were on question {count_word(position)}."
    if not said:
        return where
    tail = " ".join(said.split()[-10:])
    return f"{where} You had just said: {tail}. Please go on from there."


def bridge_to_next(position: int) -> str:
    """Leads from an answered question to the next."""
    return BRIDGES_TO_NEXT[(position - 1) % len(BRIDGES_TO_NEXT)]


def bridge_to_follow_up(number: int) -> str:
    """Leads from an answer to a follow-up on it."""
    return BRIDGES_TO_FOLLOW_UP[number % len(BRIDGES_TO_FOLLOW_UP)]


def cut_in(position: int) -> str:
    """Stops a candidate who runs long, politely (R-049)."""
    return CUT_INS[position % len(CUT_INS)]


def goodbye(setup: InterviewSetup, answered: Sequence[Question], total: int) -> str:
    """Brief encouragement and a short summary of what was talked about (R-050)."""
    if not answered:
        return "Thank you for coming by. We did not get to an answer today, so there is nothing to report. Come back any time."
    areas = TYPES[setup.type].areas
    topics = list(dict.fromkeys(areas[q.focus_area].replace("&", "and") for q in answered))
    spoken = topics[0] if len(topics) == 1 else f"{', '.join(topics[:-1])} and {topics[-1]}"
    share = "all of them" if len(answered) == total else f"{count_word(len(answered))} of {count_word(total)}"
    return (
        f"That's the end of our interview. Of the questions I had, you answered {share}, and we talked about {spoken}. "
        "Practising out loud is the hard part, and you have just done it. Your report will be ready in a moment. Goodbye!"
    )
