"""Which written questions may be asked (R-031, R-032, R-036, R-037)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge import bank
from bridge.domain.catalog import Difficulty, InterviewType
from bridge.domain.coverage import Shown, cover
from bridge.domain.question_checks import faults, is_alike, tidy
from bridge.domain.question_plan import Slot
from bridge.domain.questions import FollowUp, KeyPoint, Question

SLOT = Slot(1, "caching", None, 5, 4.0)
GOOD = Question(
    id="gm-1",
    type=InterviewType.SYSTEM_DESIGN,
    difficulty=Difficulty.MEDIUM,
    focus_area="caching",
    text="Your product page is read ten thousand times a second. How do you keep it quick when prices change?",
    spoken="Your product page is read ten thousand times a second. How do you keep it quick when prices change?",
    motivation="Shows whether the candidate weighs speed against old data.",
    rating=5,
    minutes=4.0,
    key_points=(
        KeyPoint("k1", "Keeps copies close to the reader", (("cache", "redis", "content delivery network"),)),
        KeyPoint("k2", "Lets copies grow old on their own", (("time to live", "expire", "t t l"),)),
        KeyPoint("k3", "Removes a copy when the original changes", (("invalidate", "evict", "purge"),)),
    ),
    follow_ups=(
        FollowUp("What would a customer see in the first second after a change?", "k3"),
        FollowUp("Where exactly would you keep what is read most?", "k1"),
    ),
    model_answer=(
        "I would put a cache in front of the database, because nearly all traffic is reading. Every entry has a time to live of a minute, "
        "so that even when everything else goes wrong nobody sees a price that is older than that. And when somebody edits a product I "
        "invalidate its entry straight away, in the same piece of code that writes to the database."
    ),
    lesson="4.7",
)


def points(question: Question, *groups: tuple[str, ...]) -> Question:
    """The question with other words for its first key points."""
    changed = [replace(point, shows=(group,)) for point, group in zip(question.key_points, groups, strict=False)]
    return replace(question, key_points=(*changed, *question.key_points[len(changed) :]))


def test_a_good_question_has_no_fault():
    """R-032: everything in its limits, every key point heard in the model answer."""
    assert [] == faults(GOOD, SLOT)


@pytest.mark.parametrize("interview_type", list(InterviewType))
def test_the_bank_would_pass(interview_type: InterviewType):
    """The rules are those of the bank: at most two of a type's forty questions break one."""
    wrong = {
        question.id: found
        for question in bank.load(interview_type)
        if (found := faults(tidy(question), Slot(1, question.focus_area, None, question.rating, 4.0)))
    }

    assert len(wrong) <= 2, wrong


BAD = {
    "short": (replace(GOOD, text="Why?"), "text must have"),
    "endless": (replace(GOOD, spoken="So " * 200), "spoken must have"),
    "no reason": (replace(GOOD, motivation=""), "motivation must"),
    "no answer": (replace(GOOD, model_answer="A cache, a time to live, and invalidate."), "modelAnswer has 8 words"),
    "symbols": (replace(GOOD, spoken="What is the cost of `get(x)` in O(1) & how do you keep it there?"), "cannot be spoken"),
    "line breaks": (replace(GOOD, spoken="What is the cost of it,\nand how do you keep it there?"), "cannot be spoken"),
    "template": (replace(GOOD, text="Hello {{customer.name}}, how do you keep pages quick when prices change?"), "template"),
    "liquid": (replace(GOOD, motivation="{% if x %}Tests caching.{% endif %}"), "template"),
    "link": (replace(GOOD, model_answer=GOOD.model_answer + " See https://evil.example/x for more."), "link"),
    "link in a point": (
        replace(GOOD, key_points=(replace(GOOD.key_points[0], text="See www.evil.example"), *GOOD.key_points[1:])),
        "link",
    ),
    "wrong area": (replace(GOOD, focus_area="api-design"), 'focusArea must be "caching"'),
    "two points": (replace(GOOD, key_points=GOOD.key_points[:2]), "3 to 6 keyPoints"),
    "same point": (
        replace(GOOD, key_points=tuple(replace(p, text="Same") for p in GOOD.key_points)),
        "Every key point must be a different one",
    ),
    "nameless point": (
        replace(GOOD, key_points=(replace(GOOD.key_points[0], text=""), *GOOD.key_points[1:])),
        "one short sentence",
    ),
    "one word": (points(GOOD, ("cache",)), "Key point 1 needs 3 to 40 words"),
    "long word": (points(GOOD, ("cache", "redis", "w" * 61)), "short phrases"),
    "unsaid point": (points(GOOD, ("redis", "memcached", "varnish")), "does not say any of the words of key point 1"),
    "given away": (points(GOOD, ("cache", "redis", "product page")), "gives key point 1 away"),
    "no follow-up": (replace(GOOD, follow_ups=()), "two or three followUps"),
    "four follow-ups": (
        replace(GOOD, follow_ups=tuple(FollowUp(f"And what about part {n}?", "k1") for n in "abcd")),
        "two or three",
    ),
    "twice": (replace(GOOD, follow_ups=(GOOD.follow_ups[0], GOOD.follow_ups[0])), "different one"),
    "about nothing": (
        replace(GOOD, follow_ups=(GOOD.follow_ups[0], FollowUp("And what else is there?", "k9"))),
        "about no key point",
    ),
    "telling": (
        replace(GOOD, follow_ups=(GOOD.follow_ups[0], FollowUp("Would you put a cache in front of it?", "k1"))),
        "says the key point it should draw out",
    ),
    "unspeakable": (
        replace(GOOD, follow_ups=(GOOD.follow_ups[0], FollowUp("And if x += 1 fails?", "k1"))),
        "Follow-up 2 holds '+'",
    ),
    "wordy": (replace(GOOD, follow_ups=(GOOD.follow_ups[0], FollowUp("And " * 60 + "then?", "k1"))), "10 to 200 characters"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_a_fault_is_named(case: str):
    """R-032: each broken rule is said in a sentence that can be acted on."""
    question, sentence = BAD[case]

    assert any(sentence in fault for fault in faults(question, SLOT)), faults(question, SLOT)


def test_an_area_of_the_candidate_s_own_may_be_any_of_the_type():
    """C-41: for a free area the model chooses the nearest slug; another type's is none."""
    own = Slot(1, None, 0, 5, 4.0)

    assert [] == faults(replace(GOOD, focus_area="api-design"), own)
    assert any("must be one of" in fault for fault in faults(replace(GOOD, focus_area="quantum"), own))


def test_words_that_the_question_says_itself_are_taken_out():
    """R-032: what everybody says shows nothing; after tidying neither question nor small talk shows a key point."""
    loose = points(GOOD, ("cache", "product page", "redis", "think about it", "content delivery network", "ten thousand times"))
    tight = tidy(loose)

    assert (("cache", "redis", "content delivery network"),) == tight.key_points[0].shows
    assert [] == [c for c in cover(tight.key_points, f"{GOOD.text} let me think about it") if c.shown is Shown.YES]


@pytest.mark.parametrize(
    "other",
    [
        GOOD.text,
        GOOD.text.upper(),
        "How do you keep it quick when prices change? Your product page is read ten thousand times a second.",
        "Your product pages are read ten thousand times every second. How would you keep it quick when the prices change?",
    ],
)
def test_the_same_question_in_other_words(other: str):
    """R-037: another order, case or inflection does not make a new question."""
    assert is_alike(GOOD.text, ["Something else entirely?", other])


def test_no_two_questions_of_the_bank_are_alike():
    """R-037: questions that differ are not taken for each other (every second one compared, for time)."""
    alike = [
        (a.id, b.id)
        for kind in InterviewType
        for i, a in enumerate(bank.load(kind)[::2])
        for b in bank.load(kind)[::2][i + 1 :]
        if is_alike(a.text, [b.text])
    ]

    assert alike == []
