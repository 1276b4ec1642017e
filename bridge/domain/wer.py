"""Word error rate: how far recognised words are from those that were said, for tests and for `prepkit rehearse`.

Case, punctuation and the spelling of numbers are folded away first, since a recogniser cannot know them; everything else counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "=": " equals "}
_TOKEN = re.compile(r"(?P<number>\d+(?:,\d{3})*)(?:\.(?P<part>\d+))?(?P<ordinal>st|nd|rd|th)?|[^\W\d_]+(?:'[^\W\d_]+)*")


def spell(number: int) -> list[str]:
    """A whole number below 10^12 in words, without "and"; anything larger digit by digit."""
    if number >= 10**12:
        return [_ONES[int(digit)] for digit in str(number)]
    for scale, name in _SCALES:
        if number >= scale:
            rest = number % scale
            return [*spell(number // scale), name, *(spell(rest) if rest else [])]
    if number < 20:
        return [_ONES[number]]
    return [_TENS[number // 10], *([_ONES[number % 10]] if number % 10 else [])]


def words(text: str) -> list[str]:
    """Lower-case words with numbers spelt out: what two transcripts are compared by."""
    text = text.lower().replace("\u2019", "'")
    for sign, name in _SIGNS.items():
        text = text.replace(sign, name)
    found: list[str] = []
    for token in _TOKEN.finditer(text):
        if token["number"] is None:
            found.append(token[0])
            continue
        spelt = spell(int(token["number"].replace(",", "")))
        if token["part"]:
            spelt += ["point", *(_ONES[int(digit)] for digit in token["part"])]
        elif token["ordinal"]:
            spelt[-1] = _ordinal(spelt[-1])
        found += spelt
    return found


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Fewest words to replace, insert or leave out to turn one into the other."""
    row = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, heard in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (said != heard))
    return row[-1]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Edits per word that was said: 0.0 is perfect, above 1.0 is possible. Nothing said and something heard is 1.0."""
    said, heard = words(reference), words(hypothesis)
    if not said:
        return float(bool(heard))
    return edits(said, heard) / len(said)
