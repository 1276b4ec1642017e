"""Whether somebody's quote is in the candidate's own words, and exactly where: the ground every judged claim stands on (M3).

Compared word by word, without case, punctuation and the kind of apostrophe; nothing else is forgiven. Read next: `judge`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.coverage import Span
from bridge.domain.segments import Turn

from .assess import Quote, heard_at

MIN_WORDS = 3
"""A shorter quote says nothing, unless it is a whole turn."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class _Word:
    text: str
    turn: int
    start: int
    end: int


class Spoken:
    """An answer's words, indexed once for all quotes."""

    def __init__(self, turns: Sequence[Turn], barred: Sequence[Sequence[Span]] = ()) -> None:
        """`barred` are, turn by turn, characters that no quote may touch."""
        self._turns = turns
        self._barred = barred or [()] * len(turns)
        self._words = [
            _Word(match.group().casefold(), n, match.start(), match.end())
            for n, turn in enumerate(turns)
            for match in _WORD.finditer(turn.text)
        ]
        self._first: dict[str, list[int]] = {}
        for at, word in enumerate(self._words):
            self._first.setdefault(word.text, []).append(at)

    def find(self, quote: str) -> tuple[Quote, ...]:
        """The quote as characters of the turns it lies in, one part a turn; empty when these words were not said."""
        wanted = [match.group().casefold() for match in _WORD.finditer(quote)]
        if not wanted:
            return ()
        for at in self._first.get(wanted[0], ()):
            found = self._words[at : at + len(wanted)]
            if [word.text for word in found] == wanted and (len(wanted) >= MIN_WORDS or self._is_whole_turn(found)):
                parts = self._parts(found)
                if not any(self._is_barred(found[0].turn + n, part) for n, part in enumerate(parts)):
                    return parts
        return ()

    def _is_whole_turn(self, found: Sequence[_Word]) -> bool:
        turn = found[0].turn
        return sum(word.turn == turn for word in self._words) == len(found) and found[-1].turn == turn

    def _is_barred(self, turn: int, part: Quote) -> bool:
        return any(span.start < part.end and span.end > part.start for span in self._barred[turn])

    def _parts(self, found: Sequence[_Word]) -> tuple[Quote, ...]:
        parts = []
        for n in range(found[0].turn, found[-1].turn + 1):
            own = [word for word in found if word.turn == n]
            if own:
                turn, start, end = self._turns[n], own[0].start, own[-1].end
                parts.append(Quote(turn.id, start, end, turn.text[start:end], (), heard_at(turn, start)))
        return tuple(parts)
