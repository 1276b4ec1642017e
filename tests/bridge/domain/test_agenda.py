"""The cursor and its decisions (R-046, R-047, R-049, C-38)."""

from bridge.domain.agenda import CLOSING_MS, Agenda
from bridge.domain.events import CursorMoved, InterviewEnded, ToolAnswered, from_json, to_json
from bridge.domain.setup import FollowUpStyle

from ...samples import QUESTIONS, SETUP, asked, said, setup_with

OPENED = [CursorMoved(at_ms=0, from_id=None, to_id="q1", reason="opening"), asked(1, 1_000)]


def test_first_question_opens_once():
    """R-046: the interview is opened by the first question; a second opening moves nothing."""
    fresh, opened = Agenda(SETUP, QUESTIONS), Agenda(SETUP, QUESTIONS, OPENED)

    assert fresh.next_after(None, 0) == (True, QUESTIONS[0])
    assert opened.next_after(None, 0) == (False, QUESTIONS[0])


def test_a_move_happens_once_and_a_repeat_gets_the_same_answer():
    """R-046: compare-and-set; a late repeat for q1 still names q2 after the cursor went on to q3."""
    agenda = Agenda(SETUP, QUESTIONS, OPENED)
    assert agenda.next_after("q1", 9_000) == (True, QUESTIONS[1])
    agenda.apply(CursorMoved(at_ms=9_000, from_id="q1", to_id="q2", reason="answered"))
    agenda.apply(CursorMoved(at_ms=9_500, from_id="q2", to_id="q3", reason="answered"))

    assert agenda.next_after("q1", 10_000) == (False, QUESTIONS[1])
    assert agenda.next_after("no-such-question", 10_000) == (False, QUESTIONS[2])
    assert agenda.position == 3


def test_follow_up_goes_to_the_first_missing_point():
    """R-047: k1 was shown, so the follow-up draws out k2."""
    agenda = Agenda(SETUP, QUESTIONS, [*OPENED, said("I would add a cache.", 2_000, 6_000)])

    assert agenda.decide("q1", 7_000).follow_up == QUESTIONS[0].follow_ups[1]


def test_moves_on_when_all_is_shown_or_the_budget_is_spent():
    """R-047: adequate answers move on; a light style asks fewer follow-ups."""
    full = Agenda(SETUP, QUESTIONS, [*OPENED, said("A cache, and shards by a hash of the key.", 2_000, 6_000)])
    light = Agenda(
        setup_with(follow_up_style=FollowUpStyle.LIGHT),
        QUESTIONS,
        [*OPENED, said("Nothing much.", 2_000, 3_000), asked(1, 4_000, 1, "What sits in front of the database?")],
    )

    assert full.decide("q1", 7_000).follow_up is None
    assert light.decide("q1", 7_000).follow_up is None


def test_no_follow_up_is_asked_twice():
    """R-047: after both prepared follow-ups there is none left."""
    agenda = Agenda(setup_with(follow_up_style=FollowUpStyle.DEEP_DIVE), QUESTIONS, OPENED)
    asked_texts = []
    for n in (1, 2, 3):
        follow_up = agenda.decide("q1", 2_000).follow_up
        if follow_up:
            asked_texts.append(follow_up.text)
            agenda.apply(asked(1, 2_000 + n, n, follow_up.text))

    assert asked_texts == [f.text for f in QUESTIONS[0].follow_ups]


def test_a_question_over_its_time_is_cut_in_on():
    """R-049: four minutes and a quarter later the question has overrun; no follow-up is begun shortly before."""
    agenda = Agenda(SETUP, QUESTIONS, OPENED)

    assert [agenda.overrun(1_000 + ms) for ms in (290_000, 301_000)] == [False, True]
    assert agenda.decide("q1", 1_000 + 210_000).follow_up is None


def test_the_clock_closes_the_interview():
    """R-050: with too little time left the next move is the end."""
    agenda = Agenda(SETUP, QUESTIONS, OPENED)
    late = SETUP.duration_minutes * 60_000 - CLOSING_MS

    assert agenda.next_after("q1", late - 10_000) == (True, None)
    assert [agenda.out_of_time(at) for at in (late, late + 1)] == [False, True]


def test_the_fold_survives_storing():
    """M1: an agenda folded from stored events is the agenda that was."""
    events = [
        *OPENED,
        said("I would add a cache.", 2_000, 6_000),
        ToolAnswered(at_ms=6_500, tool_call_id="c1", tool="getFollowUpQuestion", question_id="q1", result={"moveOn": True}),
        CursorMoved(at_ms=7_000, from_id="q1", to_id=None, reason="end"),
        InterviewEnded(at_ms=8_000, reason="ended_by_candidate"),
    ]
    stored = [from_json(e.kind, e.at_ms, to_json(e)) for e in events]
    agenda = Agenda(SETUP, QUESTIONS, stored)

    assert stored == events
    assert (agenda.position, agenda.over, agenda.ended, agenda.answered()) == (1, True, True, 1)
    assert agenda.tool_answer("c1") == events[3]
