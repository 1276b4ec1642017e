"""What interviews are made of, told to the recogniser: words of the question bank and the pairs and triples they come in.

The bundled language model has read news, not code, and its Python face cannot mix two models. So a word of the bank, or a phrase such as
`event_loop`, enters the dictionary as one more word, as likely as the bank makes it, wherever the news make it much less likely. Measured on
sentences outside the bank this takes a third of the errors away and costs half a second at the start; see `tests/pipeline/voice/test_sphinx`.
Pure but for `bank_texts`. Read next: `sphinx_worker`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import pairwise
from typing import Any

from bridge.domain.wer import words

LONGEST = 3
OFTEN = {1: 2, 2: 3, 3: 3}
"""A word, pair or triple that is in the bank fewer times than this is chance."""
GAIN = 4.0
"""A phrase enters when the bank makes it this many times likelier than the bundled model does."""
SHARE = {1: 1.0, 2: 0.5, 3: 0.5}
"""How far the bank's frequencies of words, pairs and triples are believed."""
JOINT = "_"
"""Between the words of a phrase, and behind a single one to tell it from its namesake."""


def bank_texts() -> Iterator[str]:
    """Everything the bank says in sentences."""
    for file in sorted(resources.files("bridge").joinpath("data", "bank").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".json"):
            continue
        for question in json.loads(file.read_text(encoding="utf-8")):
            yield question["model_answer"]
            yield question["spoken"]
            yield from (point["text"] for point in question["key_points"])
            yield from (follow_up["text"] for follow_up in question["follow_ups"])


def count(texts: Iterable[str]) -> tuple[Counter[tuple[str, ...]], int]:
    """How often each phrase comes, never across the end of a clause, and how many words there are in all."""
    found: Counter[tuple[str, ...]] = Counter()
    total = 0
    for text in texts:
        for clause in re.split(r"[.?!;:()]", text.replace("`", "")):
            said = words(clause)
            total += len(said)
            for length in range(1, LONGEST + 1):
                found.update(zip(*(said[n:] for n in range(length)), strict=False))
    return found, total


def speakable(text: str) -> str:
    """A hypothesis with its phrases taken apart."""
    return " ".join(text.replace(JOINT, " ").split())


def worth_teaching(decoder: Any, texts: Iterable[str]) -> list[tuple[str, str, float]]:
    """(name, phones, weight in the language model) of all that the texts make likelier than a decoder thinks it."""
    model, log = decoder.get_lm(decoder.current_search()), decoder.get_logmath()
    model.add_word(JOINT, 1.0)
    unit = log.exp(model.prob([JOINT]))
    found, total = count(texts)
    entries = []
    for phrase, times in found.items():
        if times < OFTEN[len(phrase)]:
            continue
        phones = [decoder.lookup_word(word) for word in phrase]
        likely = SHARE[len(phrase)] * times / total
        if all(phones) and likely > GAIN * _known(model, log, phrase):
            name = JOINT.join(phrase) + (JOINT if len(phrase) == 1 else "")
            entries.append((name, " ".join(phones), likely / unit))
    return entries


def _known(model: Any, log: Any, phrase: tuple[str, ...]) -> float:
    """What the bundled model thinks of a phrase; it takes the word before its history."""
    likely: float = log.exp(model.prob([phrase[0]]))
    for before, word in pairwise(phrase):
        likely *= log.exp(model.prob([word, before]))
    return likely
