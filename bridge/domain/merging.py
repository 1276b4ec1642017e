"""What the vendor's transcript holds that ours lacks: the candidate's last words before a line broke (C-22, C-23). Pure.

Both are the same words, recognised once or twice: they differ in small ways and are cut into turns differently. So words are aligned, not turns; where ours has other words at
the same place, those are the same speech heard otherwise. Read next: `bridge.usecases.engine_calls`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from .events import Speaker
from .upstream import HeardTurn

ANCHOR_WORDS = 2
"""So many words in a row, in both, hold the two together; a single "the" in common says nothing."""
MIN_WORDS = 4
"""A shorter stretch between anchors is a filler, or words heard otherwise."""
HEARD_OTHERWISE = 0.5
"""Ours lacks a stretch when it has less than this share of its words at that place."""
MAX_WORDS = 10_000
"""Words compared, more than an hour of talk: a bound on the time for a hostile text."""
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class _Word:
    """A word of the vendor's, and where in which turn it stands."""

    text: str
    turn: int
    start: int
    end: int


def missing(ours: Sequence[str], theirs: Sequence[HeardTurn]) -> list[HeardTurn]:
    """What the candidate said by the vendor's turns and not by ours (texts in order of speech): whole turns, or the part of one that is lacking.

    Times are the vendor's; those of a part are in proportion to its letters. Where ours is empty, everything is lacking.
    """
    spoken = [turn for turn in theirs if turn.speaker is Speaker.CANDIDATE]
    words = [
        _Word(match[0].lower(), n, match.start(), match.end())
        for n, turn in enumerate(spoken)
        for match in _WORD.finditer(turn.text)
    ][:MAX_WORDS]
    have = [match[0].lower() for text in ours for match in _WORD.finditer(text)][:MAX_WORDS]
    lacking: list[HeardTurn] = []
    had = at = 0
    # Its `autojunk` is wanted: in a long text the words everybody says all the time anchor nothing by themselves.
    for block in SequenceMatcher(None, have, [word.text for word in words]).get_matching_blocks():
        # The last block is empty and stands behind both.
        if 0 < block.size < ANCHOR_WORDS:
            continue
        room, stretch = block.a - had, words[at : block.b]
        if stretch and room < HEARD_OTHERWISE * len(stretch) and (len(stretch) >= MIN_WORDS or _is_apart(spoken, stretch, room)):
            lacking += _cut(spoken, stretch)
        had, at = block.a + block.size, block.b + block.size
    return lacking


def _is_apart(spoken: Sequence[HeardTurn], stretch: Sequence[_Word], room: int) -> bool:
    """A few words that are turns of their own, where ours has none: a short answer, not a word heard otherwise."""
    first, last = stretch[0], stretch[-1]
    begins = not _WORD.search(spoken[first.turn].text[: first.start])
    ends = not _WORD.search(spoken[last.turn].text[last.end :])
    return room == 0 and begins and ends


def _cut(spoken: Sequence[HeardTurn], stretch: Sequence[_Word]) -> list[HeardTurn]:
    """These words as turns, each within the vendor's turn that it stands in, with the punctuation around them."""
    found = []
    for n in dict.fromkeys(word.turn for word in stretch):
        turn, own = spoken[n], [word for word in stretch if word.turn == n]
        start = own[0].start if _WORD.search(turn.text[: own[0].start]) else 0
        following = _WORD.search(turn.text, own[-1].end)
        end = following.start() if following else len(turn.text)
        length = turn.end_ms - turn.start_ms
        found.append(
            replace(
                turn,
                text=turn.text[start:end].strip(),
                start_ms=turn.start_ms + length * start // len(turn.text),
                end_ms=turn.start_ms + length * end // len(turn.text),
            )
        )
    return found
