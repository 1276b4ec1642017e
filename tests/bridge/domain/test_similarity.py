"""How much of a reference answer an answer says (M4)."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.similarity import similarity

QUESTION = "What is the main advantage of linked lists over arrays?"
REFERENCE = "Linked lists can be of variable length and grow as elements are added."
texts = st.text(max_size=40) | st.lists(st.sampled_from([*REFERENCE.split(), "the", "stack", "grows", "vary"]), max_size=12).map(
    " ".join
)


def test_better_answers_are_nearer():
    """M4: the order of answers is the order a person would give them."""
    answers = [
        "They grow: elements can be added, so the length is variable.",
        "The length may vary.",
        "Linked lists are better than arrays.",
        "I would sort it first.",
    ]

    found = [similarity(QUESTION, REFERENCE, answer) for answer in answers]

    assert sorted(found, reverse=True) == found
    assert found[0] > 0.75
    assert found[-1] == 0.0


def test_repeating_the_question_says_less_than_answering():
    """M3: words the question gave away count half."""
    assert similarity(QUESTION, REFERENCE, QUESTION) < similarity(QUESTION, REFERENCE, "variable length, grow")


@given(texts, texts, texts)
def test_it_is_a_share(question, reference, answer):
    """Between nothing and all, whatever the texts; silence is nothing."""
    assert 0 <= similarity(question, reference, answer) <= 1
    assert similarity(question, reference, "") == 0


@given(texts, texts)
def test_the_reference_itself_is_whole(question, reference):
    """The reference says all of itself."""
    assert similarity(question, reference, reference) in {0.0, 1.0}


@given(texts, texts, texts)
def test_more_words_never_lower_it(reference, answer, more):
    """What was said stays said."""
    assert similarity("", reference, f"{answer} {more}") >= similarity("", reference, answer)
