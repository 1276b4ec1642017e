"""When everything is gone through for garbage: rarely while calls are live, and then for all of them at once (performance.md §2)."""

import subprocess
import sys

import pytest

from pipeline.garbage import MOST_ROUNDS, ROUNDS, is_due

GROWING = """
import gc
from pipeline.garbage import Garbage, settle

class Call:
    "A cycle, as a finished call is."
    ended = 0

    def __init__(self):
        self.me = self

    def __del__(self):
        Call.ended += 1

settle()
before = gc.get_stats()[2]["collections"]
kept = [[] for _ in range(400_000)]
assert gc.get_stats()[2]["collections"] == before, "nothing is gone through by itself"
garbage = Garbage()
garbage.look(0)
assert gc.get_stats()[2]["collections"] == before + 1, "what grew old is, when nobody is on a call"
calls = [Call() for _ in range(4)]
gc.collect(1)
for live in (3, 2, 1):
    calls.pop()
    garbage.call_ended()
    gc.collect(1)
    garbage.look(live)
    print(Call.ended)
"""


@pytest.mark.parametrize(
    ("live", "ended", "rounds", "due"),
    [
        (0, 0, 0, False),
        (0, 1, 0, True),
        (1, 1, 0, True),
        (100, 1, 0, False),
        (100, 99, 0, False),
        (100, 100, 0, True),
        (0, 0, ROUNDS, True),
        (100, 0, ROUNDS, False),
        (3, 0, ROUNDS * 4 - 1, False),
        (3, 0, ROUNDS * 4, True),
        (100, 0, MOST_ROUNDS, True),
    ],
)
def test_a_pause_of_all_calls_is_worth_as_much_garbage(live, ended, rounds, due):
    """One call or none: at every end; a hundred live ones: once for a hundred ends, or for what a hundred calls leave behind otherwise."""
    assert is_due(live=live, ended=ended, rounds=rounds) is due


def test_ended_calls_go_and_nothing_is_gone_through_by_itself():
    """In a process of its own: 400,000 objects that stay bring no collection, and of four calls two have ended before the heap is gone through for both."""
    done = subprocess.run([sys.executable, "-c", GROWING], capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout.split(), done.stderr) == (["0", "2", "3"], "")
