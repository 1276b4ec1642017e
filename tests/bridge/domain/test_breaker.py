"""The circuit breaker, told the time (F7)."""

from __future__ import annotations

from bridge.domain.breaker import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, THRESHOLD, Breaker


def opened(at: float = 0.0) -> Breaker:
    """One that has just opened."""
    breaker = Breaker()
    for _ in range(THRESHOLD):
        assert breaker.admits(at)
        breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row():
    """A success in between starts the count again."""
    breaker = Breaker()
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        assert breaker.admits(0)
        breaker.failed(0) if outcome == "failed" else breaker.succeeded()

    assert breaker.admits(0)
    breaker.failed(0)
    assert not breaker.admits(0)


def test_after_the_pause_exactly_one_trial():
    """Others wait for its outcome; a success closes it."""
    breaker = opened()

    assert not breaker.admits(FIRST_PAUSE_SECONDS - 0.1)
    assert breaker.admits(FIRST_PAUSE_SECONDS)
    assert not breaker.admits(FIRST_PAUSE_SECONDS)
    breaker.succeeded()
    assert [True, True] == [breaker.admits(FIRST_PAUSE_SECONDS) for _ in range(2)]


def test_a_failed_trial_doubles_the_pause_up_to_a_bound():
    """It never stays away for good."""
    breaker, now = opened(), 0.0
    pauses = []
    for _ in range(8):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        assert breaker.admits(now)
        breaker.failed(now)

    assert [20, 40, 80, 160, 300, 300, 300, 300] == pauses
    assert max(pauses) == LONGEST_PAUSE_SECONDS


def test_a_pause_that_was_asked_for_opens_at_once():
    """429 with Retry-After: one is enough, and a shorter later one does not shorten it."""
    breaker = Breaker()
    assert all(breaker.admits(0) for _ in range(3))
    breaker.failed(0, pause_seconds=50)
    breaker.failed(1, pause_seconds=5)

    assert breaker.wait(10) == 40
    assert not breaker.admits(49)
    assert breaker.admits(50)


def test_an_abandoned_trial_is_free_again():
    """A cancelled call says nothing: the next one may try."""
    breaker = opened()
    assert breaker.admits(FIRST_PAUSE_SECONDS)
    breaker.abandoned()

    assert breaker.admits(FIRST_PAUSE_SECONDS)
    breaker.succeeded()
    assert breaker.wait(FIRST_PAUSE_SECONDS) == 0


def test_trouble_is_remembered_until_an_answer_or_for_a_while():
    """C-47: one failure is none; an open breaker is, and stays it after its pause until somebody has tried."""
    fresh = Breaker()
    fresh.failed(0)
    assert not fresh.troubled(0)
    breaker = opened()
    assert breaker.troubled(0)
    assert breaker.troubled(FIRST_PAUSE_SECONDS + 1)
    assert not breaker.troubled(FIRST_PAUSE_SECONDS + LONGEST_PAUSE_SECONDS)
    breaker.succeeded()
    assert not breaker.troubled(0)
