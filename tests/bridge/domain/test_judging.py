"""When a judgement is fresh, when one is due, and what follows from it (R-047, R-045)."""

from bridge.domain.agenda import Agenda
from bridge.domain.events import CursorMoved
from bridge.domain.judging import FIRST_WORDS, UNSEEN_WORDS, Judgement, Stretch
from bridge.domain.questions import FollowUp

from ...samples import QUESTIONS, SETUP, asked, said

OPENED = [CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"), asked(1, 1_000)]
WRITTEN = FollowUp("Where would you look first when reads become slow?", "k1")
SPREAD = FollowUp("And when one machine cannot hold it all?", "k2")


def judgement(*shown: str, words: int = 40) -> Judgement:
    """One with a follow-up for each key point."""
    return Judgement(words, frozenset(shown), (WRITTEN, SPREAD))


def test_a_judgement_is_fresh_while_little_was_said_since():
    """R-047: forty-five more words, or a third of the stretch seen; after that it is not used any more."""
    assert Stretch(40 + UNSEEN_WORDS).fresh(40)
    assert Stretch(133).fresh(40)
    assert not Stretch(134).fresh(40)
    assert not Stretch(146, base=100).fresh(100), "a whole answer to a follow-up was not seen"
    assert Stretch(170, base=100).fresh(121)


def test_the_number_of_judgements_grows_with_the_logarithm_of_an_answer():
    """Issue 4.2: bounded calls: one for thirty words, two for a hundred and fifty, three for four hundred."""

    def calls(total: int) -> list[int]:
        seen: list[int] = []
        for words in range(total + 1):
            if Stretch(words).due(seen[-1] if seen else None, paused=False):
                seen.append(words)
        return seen

    assert [len(calls(total)) for total in (FIRST_WORDS - 1, FIRST_WORDS, 70, 150, 400)] == [0, 1, 1, 2, 3]
    for total in range(FIRST_WORDS + 8, 500):
        assert Stretch(total).fresh(next(seen for seen in reversed(calls(total)) if seen <= total - 8)), total


def test_a_pause_may_be_the_end():
    """Issue 4.2: a short answer is judged when its speaker pauses, but not every hesitation at its beginning."""
    assert [Stretch(words).due(None, paused=True) for words in (3, 16, 17, 27)] == [False, False, True, True]
    assert not Stretch(27).due(17, paused=True), "fresh enough"


def test_after_a_follow_up_the_whole_answer_before_it_is_judged():
    """Issue 4.2: with its first words, so that a short answer to the follow-up need not wait; once, and again only for a long one."""
    assert Stretch(81, base=80).due(40, paused=False)
    assert not Stretch(80, base=80).due(40, paused=False), "nothing was said to it yet"
    assert not any(Stretch(80 + words, base=80).due(81, paused=paused) for words in range(1, 38) for paused in (True, False))
    assert Stretch(80 + 39, base=80).due(81, paused=False)


def test_the_follow_up_of_a_fresh_judgement_is_asked():
    """R-047: before the prepared one; what the model saw shown is not asked about, nor what code hears in words the model has not seen."""
    agenda = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would measure.", 2_000, 6_000)])
    later = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would measure, and put a cache in front.", 2_000, 6_000)])

    assert agenda.decide("q1", 7_000, judgement=judgement(), fresh=True).follow_up == WRITTEN
    assert agenda.decide("q1", 7_000, judgement=judgement("k1"), fresh=True).follow_up == SPREAD
    assert later.decide("q1", 7_000, judgement=judgement(), fresh=True).follow_up == SPREAD
    assert agenda.decide("q1", 7_000, judgement=judgement("k1", "k2"), fresh=True).follow_up is None


def test_an_old_judgement_chooses_among_the_prepared_ones():
    """R-047: its questions may be out of place by now; what was shown remains shown."""
    agenda = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would measure.", 2_000, 6_000)])
    decision = agenda.decide("q1", 7_000, judgement=judgement("k1"), fresh=False)

    assert (decision.follow_up, decision.judged) == (QUESTIONS[0].follow_ups[1], False)


def test_without_one_that_may_be_said_the_prepared_one_is_asked():
    """A9: a judgement whose follow-ups were all dropped leaves the prepared ones."""
    agenda = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would measure.", 2_000, 6_000)])
    decision = agenda.decide("q1", 7_000, judgement=Judgement(40, frozenset(), ()), fresh=True)

    assert (decision.follow_up, decision.judged) == (QUESTIONS[0].follow_ups[0], False)


def test_nothing_is_asked_twice():
    """R-047: the written follow-up was put; the next is about the other key point."""
    agenda = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would measure.", 2_000, 6_000), asked(1, 7_000, 1, WRITTEN.text)])

    assert agenda.decide("q1", 8_000, judgement=judgement(), fresh=True).follow_up == SPREAD
