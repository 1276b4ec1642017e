"""The comparison with people's grades says what it computes (M4)."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InvalidInput
from web.commands import bench_scoring
from web.commands.bench_scoring import Graded, agreement, measured, ngrams, pearson, read, tfidf_cosine, words

HEAD = "id,question,reference_answer,answer,score\n"
CSV = (
    HEAD
    + """1,What is a stack?,A list that gives back the last element first,The last element comes back first,5
1,What is a stack?,A list that gives back the last element first,It gives the last element,4
1,What is a stack?,A list that gives back the last element first,"Something with elements, I think",2
1,What is a stack?,A list that gives back the last element first,What is a stack,0
2,What is a queue?,A list that gives back the oldest element first,The oldest elements are given back first,5
2,What is a queue?,A list that gives back the oldest element first,The oldest one,3
2,What is a queue?,A list that gives back the oldest element first,No idea,0
"""
)


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    """A tiny file of answers that somebody graded."""
    path = tmp_path / "graded.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_the_figures_are_those_of_the_file(graded: Path) -> None:
    """M4: pooled and within-question r are Pearson's own, ours first and two baselines beside it."""
    rows = read(graded)
    found, took = measured(rows)
    ours = np.array([bench_scoring.similarity(r.question, r.reference, r.answer) for r in rows])
    grades = np.array([r.score for r in rows])

    assert ["similarity", "TF-IDF cosine", "character n-grams"] == [each.name for each in found]
    assert pytest.approx(np.corrcoef(ours, grades)[0, 1]) == found[0].pooled
    own = [np.corrcoef(ours[part], grades[part])[0, 1] for part in (slice(0, 4), slice(4, 7))]
    assert pytest.approx(np.mean(own)) == found[0].within
    assert all(bench_scoring.HALVES == len(each.halves) for each in found)
    assert took > 0


def test_halves_hold_whole_questions(graded: Path) -> None:
    """Each half is one of the two questions here, so its r is that question's own."""
    rows = read(graded)
    values = np.array([5.0, 4, 2, 0, 0, 2, 5])
    got = agreement("x", values, rows)

    assert {1.0, -1.0} == {round(r, 9) for r in got.halves}


def test_a_cosine_is_what_the_formula_says() -> None:
    """Counts times ln((1 + n) / (1 + df)) + 1, unit length; nothing in common is 0, the same is 1."""
    one, two, same = tfidf_cosine(["red car", "blue car", "a b"], ["red bike", "green bike", "a b"], words)
    rare, common = math.log(6 / 2) + 1, math.log(6 / 3) + 1

    assert pytest.approx(common**2 / (common**2 + common**2)) == one
    assert rare > common
    assert (0.0, 0.0) == (two, same)  # one-letter words are no terms
    assert pytest.approx(1.0) == tfidf_cosine(["red car"], ["car red"], words)[0]


def test_ngrams_stay_inside_words() -> None:
    """Two to four characters, a blank at both ends of a word."""
    assert [" i", "is", "s ", " is", "is ", " is "] == ngrams("Is")


def test_no_figure_where_nothing_varies() -> None:
    """A constant has no correlation."""
    assert math.isnan(pearson(np.ones(5), np.arange(5.0)))
    rows = [Graded("1", "q", "r", "a", 1.0), Graded("1", "q", "r", "b", 1.0), Graded("2", "q", "r", "c", 2.0)]
    assert math.isnan(agreement("x", np.arange(3.0), rows).within)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,question,answer\n1,a,b\n", "no column reference_answer, score"),
        (HEAD.encode() + b"1,q,r,a,good\n", "Line 2: the score is not a number"),
        (HEAD.encode() + b"1,q,r,a,nan\n", "Line 2: the score is not a number"),
        (HEAD.encode() + b"1,q,r,a,1\n1,q,r,b,1\n1,q,r,c,1\n", "grades that differ"),
        (HEAD.encode(), "at least three answers"),
        (b"\xff\xfe\x00", "not a CSV"),
        (HEAD.encode() + b"1,q\n", "Line 2: the score is not a number"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    """Contract §6: what is wrong, and where."""
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)

    with pytest.raises(InvalidInput, match=said):
        read(path)


def test_the_command_prints_the_table(graded: Path) -> None:
    """`prepkit bench scoring --data FILE`; without a file, or for another benchmark, it says what is missing."""
    command = [sys.executable, "-m", "web", "bench"]
    done = subprocess.run([*command, "scoring", "--data", graded], capture_output=True, text=True, check=False, timeout=60)
    without = subprocess.run([*command, "scoring"], capture_output=True, text=True, check=False, timeout=60)
    other = subprocess.run([*command, "turns", "--data", graded], capture_output=True, text=True, check=False, timeout=60)

    assert (0, "") == (done.returncode, done.stderr)
    assert "7 answers to 2 questions" in done.stdout
    assert all(f"  {name:<18} Pearson" in done.stdout for name in ("similarity", "TF-IDF cosine", "character n-grams"))
    assert (2, 2) == (without.returncode, other.returncode)
    assert "--data FILE" in without.stderr
