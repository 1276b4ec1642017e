"""Our end of the recogniser's process: start it, write to it, read from it, be rid of it.

Holds no speech of its own; `sphinx` decides what to say again when it dies. Read next: `sphinx_worker`, what runs on the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from . import sphinx_wire as wire

CLOSE_SECS = 1.0
"""How long a process whose input has ended may take to leave."""


class SphinxChild:
    """One process; made by `start`, used until `messages` ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *, plain: bool = False) -> SphinxChild:
        """Start a process; raises OSError when there is none to be had."""
        root = str(Path(__file__).parents[2])
        inherited = os.environ.get("PYTHONPATH")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"{__package__}.sphinx_worker", *(["--plain"] if plain else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *([inherited] if inherited else [])])},
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def write(self, frame: bytes) -> None:
        """Queue a frame; never waits, and a process that is gone is noticed by `messages`."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(frame)

    async def messages(self, patience_secs: float) -> AsyncIterator[tuple[bytes, bytes] | None]:
        """What it says, until it ends; None each time it has been silent for `patience_secs`."""
        if self._process.stdout is None:
            return
        unpacker = wire.Unpacker()
        while True:
            try:
                data = await asyncio.wait_for(self._process.stdout.read(1 << 16), patience_secs)
            except TimeoutError:
                yield None
                continue
            if not data:
                return
            for message in unpacker.feed(data):
                yield message

    async def close(self) -> None:
        """End its input and see it leave; kill it when it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), CLOSE_SECS)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
