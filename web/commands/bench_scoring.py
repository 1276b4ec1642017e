"""`prepkit bench scoring --data FILE`: how well `bridge.domain.similarity` agrees with people who graded the same answers (M4).

The file is a CSV with `id` (of the question), `question`, `reference_answer`, `answer` and `score`, one graded answer a line. Printed is
Pearson's r over all answers, beside two plain baselines of the same run, and what random halves of the questions give: a method that fits
these questions rather than their kind would win on few of them. Nothing is trained on the scores, which are read for the comparison only.
"""

from __future__ import annotations

import csv
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.domain.similarity import similarity
from bridge.errors import InvalidInput

COLUMNS = ("id", "question", "reference_answer", "answer", "score")
HALVES = 200
SEED = 1
LEAST = 3
"""Answers a correlation needs."""
_WORD = re.compile(r"\w\w+")
_NGRAMS = (2, 3, 4)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Graded:
    """One line of the file."""

    question_id: str
    question: str
    reference: str
    answer: str
    score: float


@dataclass(frozen=True)
class Agreement:
    """How far a method's numbers go with the grades."""

    name: str
    pooled: float
    """Pearson's r over all answers."""
    within: float
    """The mean of the questions' own r, where a question has different grades."""
    halves: Floats
    """r over all answers to each random half of the questions."""


def read(path: Path) -> list[Graded]:
    """The file's lines. Raises InvalidInput, naming the line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise InvalidInput(f"The file has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}.")
            rows = [
                Graded(row["id"], row["question"], row["reference_answer"], row["answer"], _score(row["score"], table.line_num))
                for row in table
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput("The file is not a CSV in UTF-8.") from error
    if len(rows) < LEAST or len({row.score for row in rows}) == 1:
        raise InvalidInput("The file needs at least three answers, and grades that differ.")
    return rows


def _score(text: str | None, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"Line {line}: the score is not a number.")
    return value


def words(text: str) -> list[str]:
    """Terms of the first baseline."""
    return _WORD.findall(text.lower())


def ngrams(text: str) -> list[str]:
    """Terms of the second: two to four characters in a row, inside a word and its ends."""
    padded = [f" {word} " for word in text.lower().split()]
    return [word[i : i + n] for word in padded for n in _NGRAMS for i in range(len(word) - n + 1)]


def tfidf_cosine(references: Sequence[str], answers: Sequence[str], terms: Callable[[str], list[str]]) -> Floats:
    """Cosine of each answer and its reference, in term counts weighted by smoothed inverse document frequency."""
    documents = {text: Counter(terms(text)) for text in (*references, *answers)}
    spread = Counter(term for counts in documents.values() for term in counts)
    place = {term: i for i, term in enumerate(spread)}
    rarity = np.log((1 + len(documents)) / (1 + np.fromiter(spread.values(), float))) + 1

    def vector(text: str) -> tuple[NDArray[np.intp], Floats]:
        counts = documents[text]
        at = np.fromiter((place[term] for term in counts), np.intp, len(counts))
        weights = np.fromiter(counts.values(), float, len(counts)) * rarity[at]
        return at, weights / (np.linalg.norm(weights) or 1.0)

    vectors = {text: vector(text) for text in documents}
    dense = np.zeros(len(place))
    found = []
    for reference, answer in zip(references, answers, strict=True):
        at, weights = vectors[reference]
        dense[at] = weights
        other, others = vectors[answer]
        found.append(float(dense[other] @ others))
        dense[at] = 0
    return np.array(found)


def pearson(a: Floats, b: Floats) -> float:
    """Pearson's r; nan where one of them does not vary."""
    if len(a) < LEAST or a.std() == 0 or b.std() == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])


def agreement(name: str, values: Floats, rows: Sequence[Graded]) -> Agreement:
    """The method's numbers against the grades."""
    grades = np.array([row.score for row in rows])
    ids = np.array([row.question_id for row in rows])
    questions = np.unique(ids)
    own = [pearson(values[ids == each], grades[ids == each]) for each in questions]
    # The same halves for every method, so that they can be compared one by one.
    draw = np.random.default_rng(SEED)
    chosen = (np.isin(ids, draw.choice(questions, max(1, len(questions) // 2), replace=False)) for _ in range(HALVES))
    halves = np.array([pearson(values[mask], grades[mask]) for mask in chosen])
    known = [r for r in own if not math.isnan(r)]
    return Agreement(name, pearson(values, grades), sum(known) / len(known) if known else math.nan, halves)


def measured(rows: Sequence[Graded]) -> tuple[list[Agreement], float]:
    """Our method first, then the baselines; and the seconds that ours took."""
    references, answers = [row.reference for row in rows], [row.answer for row in rows]
    began = time.perf_counter()
    ours = np.array([similarity(row.question, row.reference, row.answer) for row in rows])
    took = time.perf_counter() - began
    methods = {
        "similarity": ours,
        "TF-IDF cosine": tfidf_cosine(references, answers, words),
        "character n-grams": tfidf_cosine(references, answers, ngrams),
    }
    return [agreement(name, values, rows) for name, values in methods.items()], took


async def scoring(data: Path) -> None:
    """Print the comparison."""
    rows = read(data)
    found, took = measured(rows)
    questions = len({row.question_id for row in rows})
    print(f"  {len(rows)} answers to {questions} questions, {took:.2f} s ({took / len(rows) * 1e6:.0f} µs an answer)")
    for each in found:
        spread = f"{np.nanmean(each.halves):.3f} ± {np.nanstd(each.halves):.3f}"
        print(
            f"  {each.name:<18} Pearson {each.pooled:.3f}   within a question {each.within:.3f}   halves of the questions {spread}"
        )
    ahead = int(np.sum(found[0].halves > np.fmax(found[1].halves, found[2].halves)))
    print(f"  similarity is ahead of both baselines on {ahead} of {HALVES} random halves of the questions")
