"""`prepkit bench relay`: a real run at a small size, and what is said of the figures."""

import asyncio
import os

import pytest

from web.commands import bench_relay
from web.commands.bench_relay import STEP, Bench, Result, judge, next_size
from web.relaybench.marks import noise


def result(kind, calls, cpu, p99, lost=0, rss=1.0, warnings=0):
    """One run's figures."""
    return Result(kind, calls, cpu, (0.3, p99), (0.3, p99 / 2), lost, rss, 1.0, 0.0, warnings)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
@pytest.mark.parametrize("kind", ["none", "bare", "ours"])
async def test_a_run_loses_nothing_and_costs_something(tmp_path, monkeypatch, kind):
    """Processes start, three calls stream both ways, the counts agree at both ends, and everything has ended afterwards."""
    audio = tmp_path / "audio"
    audio.write_bytes(noise())
    cores = frozenset(os.sched_getaffinity(0))
    bench = Bench(min(cores), cores, 0.6, audio, tmp_path)
    monkeypatch.setattr(bench_relay, "SETTLE_SECONDS", 0.2)
    async with asyncio.timeout(60):
        found = await bench._run(kind, 3)

    assert (kind, 3, 0, 0) == (found.kind, found.calls, found.lost, found.warnings)
    assert 0 < found.up[0] <= found.up[1]
    assert 0 < found.down[0] <= found.down[1]
    assert (found.cpu > 0) == (kind != "none")


def test_targets_are_judged_against_the_peer_of_the_same_run():
    """Twice the CPU, two milliseconds and three megabytes are met; beyond that they are not."""
    good = {"bare": result("bare", 25, 0.30, 2.0), "ours": result("ours", 25, 0.60, 4.0, rss=2.9)}
    bad = {"bare": result("bare", 25, 0.30, 2.0), "ours": result("ours", 25, 0.70, 4.5, rss=3.1)}

    assert all("met    " in line for line in judge([good], {}))
    assert len(judge([good], {})) == 3
    assert all("NOT MET" in line for line in judge([bad], {}))


def test_of_several_turns_the_middle_one_is_judged_and_all_are_shown():
    """One minute in which the machine was slow neither meets nor misses a target; each turn is held against its own peer; one without is none."""
    turns = [
        {"bare": result("bare", 8, bare, 2.0), "ours": result("ours", 8, ours, 2.0)}
        for bare, ours in ((0.30, 0.54), (0.25, 0.80), (0.60, 0.66))
    ]
    slow = [*turns, {"ours": result("ours", 8, 9.9, 2.0)}, turns[1], turns[1]]

    assert ["  met      N=8: CPU 1.80 (1.80, 3.20, 1.10) x bare aiohttp (target <= 2)"] == judge(turns, {})
    assert ["  NOT MET  N=8: CPU 3.20 (1.80, 3.20, 1.10, 3.20, 3.20) x bare aiohttp (target <= 2)"] == judge(slow, {})


def test_the_most_is_judged_by_its_share():
    """0.7 of the bare relay's, and 120 on its own."""
    assert ["met", "met"] == [line.split()[0] for line in judge([], {"bare": 200, "ours": 140})[1:]]
    assert ["NOT", "NOT"] == [line.split()[0] for line in judge([], {"bare": 200, "ours": 100})[1:]]


@pytest.mark.parametrize("most", [0, 20, 60, 79, 80, 300, 319, 320, 321])
def test_the_most_is_found_to_a_step_in_few_runs(most):
    """In strides until a size is not held, then by halves; also where not even the first is."""
    held, too_many, runs = 0, None, 0
    while (calls := next_size(held, too_many)) is not None:
        runs += 1
        if calls <= most:
            held = calls
        else:
            too_many = calls

    assert held <= most < held + STEP
    assert runs <= 8


def test_a_relay_holds_what_it_loses_nothing_of_in_time():
    """p99 below 20 ms in both directions, nothing lost, and a server that keeps up with the rest of its work too."""
    assert result("ours", 100, 0.5, 19.0).holds
    assert not result("ours", 100, 0.5, 21.0).holds
    assert not result("ours", 100, 0.5, 5.0, lost=1).holds
    assert not result("ours", 100, 0.5, 5.0, warnings=1).holds
