"""What a candidate asks of the interviewer in passing: repeat, next, done, a hint, time to think, "I don't know".

Only short utterances count: an answer that happens to contain the words is an answer. A request for time counts at the end of a longer answer too, because
that is where it is made. Tables, so that a phrase is one line.
"""

from __future__ import annotations

import re
from enum import StrEnum

MAX_WORDS = 12
"""Longer than this is an answer, whatever it contains."""


class Intent(StrEnum):
    """A request to the interviewer."""

    REPEAT = "repeat"
    NEXT = "next"
    DONE = "done"
    HINT = "hint"
    THINKING = "thinking"
    UNKNOWN = "unknown"
    """The candidate says they do not know."""


FILLERS = r"(?:hm+|um+|uh+|er+|erm|oh|okay|ok|well|so|right|and|but|actually|sorry|please|good question|(?:that's|that is|this is)(?: an?)? \w+ (?:one|question))"
_A_WHILE = (
    r"(?:a|one|just a|just one|another|a few|a couple of|some) (?:little )?(?:seconds?|secs?|moments?|minutes?|while|bit|time)"
)
_TO_THINK = r"(?: (?:to|and) (?:think|gather my thoughts|collect my thoughts|sort my thoughts|structure this|structure my answer)| here| now| more)*"
_ABOUT = r"(?: (?:about|through|over)(?: (?:it|this|that|this one|that one))?| on (?:it|this|that))?"
TIME = (
    rf"let me (?:just |quickly )?think{_ABOUT}(?: (?:again|carefully|out loud))?(?: for {_A_WHILE})?",
    rf"(?:let|allow) me (?:have |take )?(?:to think|a think|{_A_WHILE}){_TO_THINK}{_ABOUT}",
    r"let me (?:gather|collect|sort|order|organi[sz]e) my thoughts",
    rf"(?<!will )(?<!would )(?<!to )(?<!can )give me {_A_WHILE}{_TO_THINK}{_ABOUT}",
    rf"(?:i need|i'd need|i'd like(?: to take)?|i would like(?: to take)?|can i have|could i have|may i have|can i take|could i take|i'll take|i will take|i'll need) {_A_WHILE}{_TO_THINK}{_ABOUT}",
    rf"i (?:need|have|want) to think{_ABOUT}(?: for {_A_WHILE})?",
    rf"(?:i'm|i am) (?:still |just )?thinking{_ABOUT}",
    r"bear with me(?: for a (?:second|moment|minute))?",
)
"""Requests for time, whatever was said before them."""
TIME_ALONE = (
    rf"(?:just |wait |hang on |hold on |wait for )*{_A_WHILE}{_TO_THINK}",
    r"(?:wait|hang on|hold on|still thinking|thinking)",
    r"let(?: me|'s) see",
    FILLERS,
)
"""What is a request for time only where nothing of an answer stands before it in the same sentence."""
_TRAILING = rf"(?: {FILLERS})*"
_TIME = re.compile(rf"\b(?:{'|'.join(TIME)}){_TRAILING}$")
_TIME_ALONE = re.compile(
    rf"^(?:{FILLERS} )*(?:{'|'.join((*TIME, *TIME_ALONE))})(?: (?:{'|'.join((*TIME, *TIME_ALONE))}))*{_TRAILING}$"
)
_LAST_SENTENCE = re.compile(r"[^.!?;…–—]*$")

PHRASES: tuple[tuple[Intent, str], ...] = (
    (Intent.REPEAT, r"(repeat|say) (that|it|the question|this)( again)?"),
    (Intent.REPEAT, r"(can|could|would) you (please )?(repeat|rephrase)"),
    (Intent.REPEAT, r"^(sorry|pardon)( what| me)?$"),
    (Intent.REPEAT, r"what was the question"),
    (Intent.NEXT, r"(next question|move on|skip (this|that|it|the question)|go to the next)"),
    (Intent.DONE, r"(that's|that is|that was|this is) (all|it|my answer|everything)"),
    (Intent.DONE, r"(i'm|i am) (done|finished)"),
    (Intent.HINT, r"^(\w+ ){0,4}(give me|(can|could|may) (i|we) (get|have)|i (need|want|could use)|(i'd|i would) like|i'll take) (a|one|another|one more|some) (small |little )?(hint|clue)s?( please)?$"),
    (Intent.HINT, r"^((okay|ok|um+|uh+|well|maybe|just) )*(a|another|one more) (hint|clue)( please)?$|^(hint|clue)( please)?$|^any (hints?|clues?)\b"),
    (Intent.HINT, r"^(can|could|would) you (please )?(give me a hint|help me( out)?( a (bit|little))?|point me in the right direction)( please)?$"),
    (Intent.UNKNOWN, r"(i )?(do not|don't|dont) (really )?know|no idea|not sure( about (this|that))?$|can't answer|cannot answer"),
)  # fmt: skip


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower().replace("’", "'")))


def intent_of(utterance: str) -> Intent | None:
    """The intent of a short utterance, or None when it is (part of) an answer."""
    words = _words(utterance)
    if not words:
        return None
    short = len(words.split()) <= MAX_WORDS
    found = next((intent for intent, pattern in PHRASES if short and re.search(pattern, words)), None)
    if found is None and len(words.split()) <= 2 * MAX_WORDS and _TIME_ALONE.match(words):
        return Intent.THINKING
    return found


def asks_for_time(utterance: str) -> bool:
    """Whether it ends with a request for time to think: alone, behind an answer, behind "I don't know"."""
    if (intent := intent_of(utterance)) not in (None, Intent.THINKING, Intent.UNKNOWN):
        return False
    last = _LAST_SENTENCE.search(utterance.rstrip(" .!?;…–—"))
    sentence = _words(last.group()) if last else ""
    return intent is Intent.THINKING or bool(_TIME.search(_words(utterance))) or _asks_alone(sentence, _words(utterance))


def _asks_alone(sentence: str, everything: str) -> bool:
    """A bare "one moment" as a sentence of its own; a mere filler there is how people end, not a request."""
    own = sentence != everything and not re.fullmatch(rf"{FILLERS}(?: {FILLERS})*", sentence)
    return bool(sentence) and own and bool(_TIME_ALONE.match(sentence))
