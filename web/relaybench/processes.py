"""Processes of a run: started, pinned, asked, measured and ended. Their CPU and memory are read as Linux has them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[2]
START_SECONDS = 60
ANSWER_SECONDS = 120
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class RunFailed(Exception):
    """A run could not be measured; says why."""


class Child:
    """A process of ours that speaks JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, cores: Collection[int], module: str, *arguments: str) -> tuple[Child, dict[str, Any]]:
        """Start it on these cores; returns it with the first thing it says."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"web.relaybench.{module}", *arguments,
            cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        child = cls(process)
        return child, {} if arguments[0] == "load" else await child.hear(START_SECONDS)

    async def hear(self, seconds: float) -> dict[str, Any]:
        """The next thing it says. Raises RunFailed."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise RunFailed("a process did not answer") from None
        if not line:
            raise RunFailed(f"a process ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise RunFailed(answer["failed"])
        return answer

    async def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Have it do something; returns its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.hear(ANSWER_SECONDS)

    async def end(self) -> None:
        """Kill it: nothing of it is needed any more."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def cpu_seconds(self) -> float:
        """CPU time used so far, all threads, to the microsecond: /proc counts in hundredths of a second, and a short run of few calls takes less."""
        # glibc's clock_getcpuclockid, which Python has for threads only.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def rss_mb(self) -> float:
        """Resident memory."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


def machine_busy_seconds() -> float:
    """CPU time the whole machine has used so far, waiting excluded."""
    fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS
