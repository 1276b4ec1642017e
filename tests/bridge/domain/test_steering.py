"""Words that speak to the grader are found, and honest ones left alone (A8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import bank
from bridge.domain.steering import steering

TEXTS = Path(__file__).parents[2] / "reporting"
INJECTIONS = (TEXTS / "injections.txt").read_text(encoding="utf-8").splitlines()
HONEST = (TEXTS / "honest.txt").read_text(encoding="utf-8").splitlines()


def test_there_are_enough():
    """A8 asks for sixty, all different."""
    assert len(set(INJECTIONS)) >= 60


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_instruction_is_found_inside_an_answer(text: str):
    """Alone, with honest sentences around it, and as a recogniser writes it."""
    assert steering(text)
    before, after = "First I would put a cache in front.", "Then I shard by a hash of the key."
    for span in steering(whole := f"{before} {text} {after}"):
        assert before not in whole[span.start : span.end]
    assert steering(whole)
    assert steering(text.lower().replace(",", ""))


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_sentence_is_left_alone(text: str):
    """Interview talk is full of scores, graders, systems and instructions."""
    assert steering(text) == ()


def test_the_bank_is_honest():
    """No model answer, question or key point of ours is taken for an instruction."""
    texts = [t for q in bank.questions() for t in (q.text, q.spoken, q.model_answer, *(p.text for p in q.key_points))]
    texts += [f"{q.model_answer} {follow_up.text}" for q in bank.questions() for follow_up in q.follow_ups]
    assert [text for text in texts if steering(text)] == []
