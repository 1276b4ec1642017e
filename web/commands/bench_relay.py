"""`prepkit bench relay`: how many calls one core relays and what it costs, beside relays that do nothing else, in the same run.

The relay is pinned to one core, candidates and upstream to another. Every 20 ms message carries a marker, so loss and one-way latency are known; a run that other
work on the machine disturbed is repeated. Ratios inside one table count, absolute times drift: what is held against the peer is measured in turns, each beside a run
of the peer's, and the middle of them is judged. Targets: docs/explanation/capacity.md. Read next: `web.relaybench`.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ..relaybench.marks import noise
from ..relaybench.processes import Child, RunFailed, machine_busy_seconds

JOIN_SECONDS = 60
SETTLE_SECONDS = 5.0
"""Until what joining costs is over: the opening lines, and what was not heard meanwhile."""
DRAIN_SECONDS = 0.7
HOLDS_MS = 20.0
"""A relay holds so many calls when p99 is below this both ways, nothing is lost, and our server warns of nothing."""
DISTURBED = 0.15
"""Share of a core that others may use meanwhile."""
REPEATS = 3
LATE_MS = 5.0
"""Beyond this the load was short of CPU itself."""
KINDS = {
    "none": "no relay at all",
    "bare": "bare aiohttp",
    "uvloop": "bare aiohttp, uvloop",
    "stock": "stock pipecat",
    "ours": "PrepKit",
}
STOCK_AT_MOST = 10
TURNS = 3
"""A shared machine is quicker in one minute than in the next, by up to a half."""
STRIDE, STEP = 80, 20
"""Calls more at a time until a relay holds them no more, and how exactly its most is looked for then."""


@dataclass(frozen=True)
class Result:
    """One run."""

    kind: str
    calls: int
    cpu: float
    """CPU seconds a call-minute."""
    up: tuple[float, float]
    down: tuple[float, float]
    """p50 and p99 of one-way latency, ms."""
    lost: int
    rss: float
    """MB a call."""
    late: float
    others: float
    warnings: int
    """Of our own server, for example that voice detection does not keep up."""

    @property
    def holds(self) -> bool:
        """Whether the relay can be said to hold so many calls."""
        return self.lost == 0 and self.warnings == 0 and max(self.up[1], self.down[1]) < HOLDS_MS

    def __str__(self) -> str:
        marks = ("*" if self.others > DISTURBED else "") + ("!" if self.late > LATE_MS else "") + ("w" if self.warnings else "")
        return (
            f"  {KINDS[self.kind]:<22}{self.calls:>5}{self.cpu:>10.2f}{self.up[0]:>9.2f} /{self.up[1]:>6.1f}"
            f"{self.down[0]:>9.2f} /{self.down[1]:>6.1f}{self.lost:>7}{self.rss:>9.2f} {marks}"
        )


Turn = dict[str, Result]
"""Relays of as many calls, one right after the other, by kind."""
HEADER = f"  {'':<22}{'N':>5}{'CPU-s':>10}{'up p50 / p99':>17}{'down p50 / p99':>17}{'lost':>7}{'MB':>9}"


@dataclass(frozen=True)
class Bench:
    """Where and how long."""

    relay_core: int
    load_cores: frozenset[int]
    seconds: float
    audio: Path
    folder: Path

    async def run(self, kind: str, calls: int) -> Result:
        """One run, again while others disturb it. Raises RunFailed."""
        for _ in range(REPEATS):
            result = await self._run(kind, calls)
            if result.others <= DISTURBED:
                break
        print(result, flush=True)
        return result

    async def _run(self, kind: str, calls: int) -> Result:
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            children: list[Child] = []
            try:
                upstream, place = await Child.start(self.load_cores, "party", "upstream", str(self.audio))
                children.append(upstream)
                relay, door = upstream, {"targets": [(place["port"], "/calls/0")] * calls}
                if kind != "none":
                    relay, door = await Child.start({self.relay_core}, "relays", kind, str(place["port"]), str(calls), folder)
                    children.append(relay)
                load, _ = await Child.start(self.load_cores, "party", "load", str(self.audio))
                children.append(load)
                return await self._measure(kind, calls, (load, relay, upstream), door)
            finally:
                for child in children:
                    await child.end()

    async def _measure(self, kind: str, calls: int, parts: tuple[Child, Child, Child], door: dict[str, Any]) -> Result:
        load, relay, upstream = parts
        before = relay.rss_mb()
        if "tools" in door:
            await upstream.ask("tools", **door["tools"])
        await load.ask("connect", targets=door["targets"], protocol=door.get("protocol"), hello=door.get("hello"))
        async with asyncio.timeout(JOIN_SECONDS):
            while (await upstream.ask("report"))["streams"] < calls:  # noqa: ASYNC110 - another process knows
                await asyncio.sleep(0.2)
        await asyncio.sleep(SETTLE_SECONDS)
        warned = await _warnings(kind, relay)
        cpu, mine, busy = relay.cpu_seconds(), _cpu(parts), machine_busy_seconds()
        for end in (load, upstream):
            await end.ask("count", on=True)
        await asyncio.sleep(self.seconds)
        cpu, mine, busy = relay.cpu_seconds() - cpu, _cpu(parts) - mine, machine_busy_seconds() - busy
        rss = relay.rss_mb()
        for end in (load, upstream):
            await end.ask("count", on=False)
        await asyncio.sleep(DRAIN_SECONDS)
        one, other = await load.ask("report"), await upstream.ask("report")
        warnings = await _warnings(kind, relay) - warned
        if troubles := {*one["troubles"], *other["troubles"]}:
            raise RunFailed(f"{KINDS[kind]} at {calls} calls: {', '.join(sorted(troubles))}")
        return Result(
            kind=kind,
            calls=calls,
            cpu=0.0 if kind == "none" else cpu * 60 / (calls * self.seconds),
            up=(other["p50"], other["p99"]),
            down=(one["p50"], one["p99"]),
            lost=one["sent"] - other["got"] + other["sent"] - one["got"] + one["disorder"] + other["disorder"],
            rss=0.0 if kind == "none" else (rss - before) / calls,
            late=max(one["late"], other["late"]),
            others=max(0.0, busy - mine) / self.seconds,
            warnings=warnings,
        )


async def _warnings(kind: str, relay: Child) -> int:
    """How often our server has warned of something so far; the others have no voice."""
    return len((await relay.ask("warnings"))["warnings"]) if kind == "ours" else 0


def _cpu(parts: Sequence[Child]) -> float:
    return sum(part.cpu_seconds() for part in set(parts))


# The two lengths of it ------------------------------------------------------------------------------------------------
async def relay(*, quick: bool) -> None:
    """Measure and print. The quick form looks at 8 and 25 calls, the full one also for the most that each relay holds."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("  One core for relay and load: latencies mean little here.")
    with tempfile.TemporaryDirectory(prefix="prepkit-bench-", ignore_cleanup_errors=True) as folder:
        audio = Path(folder) / "audio.raw"
        audio.write_bytes(await _speech())
        os.sched_setaffinity(0, {cores[-1]})
        try:
            bench = Bench(cores[0], frozenset({cores[-1]}), 4.0 if quick else 8.0, audio, Path(folder))
            print(HEADER)
            turns = await _fixed(bench, (8, 25) if quick else (8, 25, 100))
            most = {} if quick else await _search(bench)
        finally:
            os.sched_setaffinity(0, cores)
    print(
        "\n  CPU-s a call-minute of one core; ms one way through the relay; MB a call. * others disturbed it, ! the load was short of CPU, w our server warned"
    )
    for line in judge(turns, most):
        print(line)


async def _speech() -> bytes:
    """Spoken sentences with pauses, as voice detection would hear them; noise where nothing on this machine speaks."""
    from bridge.domain.setup import Pace, Voice
    from bridge.errors import VoiceUnavailable
    from pipeline.voice.choose import choose_synthesiser

    try:
        speech = await choose_synthesiser("auto").speak(
            "I would put a cache in front of the database. Then I would measure how often it is hit.",
            Voice.NEUTRAL,
            Pace.MODERATE,
        )
    except VoiceUnavailable:
        return noise()
    if speech.rate != 16_000:
        import numpy as np
        import soxr

        samples = soxr.resample(np.frombuffer(speech.pcm, dtype="<i2"), speech.rate, 16_000)
        return bytes(samples.astype("<i2").tobytes()) + noise(2.0)
    return speech.pcm + noise(2.0)


async def _fixed(bench: Bench, sizes: Sequence[int]) -> list[Turn]:
    turns = []
    for calls in sizes:
        for turn in range(TURNS):
            found: Turn = {}
            for kind in KINDS if turn == 0 else ("bare", "ours"):
                if kind == "stock" and calls > STOCK_AT_MOST:
                    continue
                try:
                    found[kind] = await bench.run(kind, calls)
                except (RunFailed, TimeoutError) as failed:
                    print(f"  {KINDS[kind]}: {str(failed) or 'no answer in time'}", flush=True)
            turns.append(found)
        print()
    return turns


async def _search(bench: Bench) -> dict[str, int]:
    """The most calls each relay holds, to a step, the relays in turn."""
    most = dict.fromkeys(("bare", "ours"), 0)
    too_many: dict[str, int | None] = dict.fromkeys(most)
    while trying := {kind: calls for kind in most if (calls := next_size(most[kind], too_many[kind]))}:
        for kind, calls in trying.items():
            if await _holds(bench, kind, calls):
                most[kind] = calls
            else:
                too_many[kind] = calls
    return most


def next_size(held: int, too_many: int | None) -> int | None:
    """How many calls to try next, when so many were held and so many were not; None when that is known to a step."""
    if too_many is None:
        return held + STRIDE
    between = (too_many - held) // STEP
    return held + between // 2 * STEP if between > 1 else None


async def _holds(bench: Bench, kind: str, calls: int) -> bool:
    """What it fails once may be the machine's fault, twice is its own."""
    for _ in range(2):
        try:
            if (await bench.run(kind, calls)).holds:
                return True
        except (RunFailed, TimeoutError) as failed:
            print(f"  {str(failed) or 'no answer in time'}", flush=True)
    return False


def judge(turns: Sequence[Turn], most: dict[str, int]) -> list[str]:
    """Every target that these results can be held against, as lines; the middle one of the turns counts."""
    lines = []
    pairs: dict[int, list[tuple[Result, Result]]] = {}
    for turn in turns:
        if "ours" in turn and "bare" in turn:
            pairs.setdefault(turn["ours"].calls, []).append((turn["ours"], turn["bare"]))
    for calls, beside in pairs.items():
        ratios = [ours.cpu / bare.cpu if bare.cpu else math.inf for ours, bare in beside]
        lines.append(_line(f"N={calls}: CPU {_middle(ratios, '.2f')} x bare aiohttp", "<= 2", median(ratios) <= 2))
        if calls == 25:
            added = [max(ours.up[1] - bare.up[1], ours.down[1] - bare.down[1]) for ours, bare in beside]
            lines.append(_line(f"N=25: p99 {_middle(added, '+.1f')} ms against bare aiohttp", "<= +2", median(added) <= 2))
            memory = [ours.rss for ours, _ in beside]
            lines.append(_line(f"N=25: {_middle(memory, '.2f')} MB a call", "<= 3", median(memory) <= 3))
        for turn in turns:
            if "stock" in turn and "ours" in turn and turn["stock"].calls == calls:
                times = turn["ours"].cpu / turn["stock"].cpu
                lines.append(
                    f"  N={calls}: CPU {times:.2f} x stock pipecat, which has no voice detection, recording or database here"
                )
    if most:
        share = most["ours"] / max(1, most["bare"])
        held = ", ".join(f"{KINDS[kind]} {calls}" for kind, calls in most.items())
        lines.append(f"  most calls with p99 < {HOLDS_MS:.0f} ms, nothing lost and nothing warned of: {held}")
        lines.append(_line(f"{share:.2f} x bare aiohttp's most", ">= 0.7", share >= 0.7))
        lines.append(_line(f"{most['ours']} calls on this core", ">= 120", most["ours"] >= 120))
    return lines


def _middle(values: Sequence[float], form: str) -> str:
    """The middle one, and all of them where there are more."""
    every = f" ({', '.join(format(value, form) for value in values)})" if len(values) > 1 else ""
    return f"{median(values):{form}}{every}"


def _line(what: str, target: str, met: bool) -> str:
    return f"  {'met    ' if met else 'NOT MET'}  {what} (target {target})"
