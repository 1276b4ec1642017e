"""The benchmark's two other ends as processes that take commands on stdin and answer on stdout, one JSON a line.

    python -m web.relaybench.party load AUDIO        connect, count, report
    python -m web.relaybench.party upstream AUDIO    says its port; count, report, tools

AUDIO is a file of 16 kHz PCM16. Both use uvloop where there is one and no garbage collector: what is measured is not theirs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from pathlib import Path
from typing import Any

from ..loops import run
from .lean import Client, Run
from .obey import Handler, obey
from .upstream import Upstream

AT_ONCE = 8
CONNECT_SECONDS = 30


class Load:
    """Candidates."""

    def __init__(self, run_: Run) -> None:
        self._run = run_

    async def connect(self, targets: list[tuple[int, str]], protocol: str | None, hello: dict[str, Any] | None) -> dict[str, Any]:
        """One candidate a (port, path), a few at a time so that their streams are spread over the 20 ms."""
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._connect(gate, port, path, protocol, hello) for port, path in targets))
        return {"streams": len(self._run.streams)}

    async def _connect(
        self, gate: asyncio.Semaphore, port: int, path: str, protocol: str | None, hello: dict[str, Any] | None
    ) -> None:
        async with gate, asyncio.timeout(CONNECT_SECONDS):
            client = Client(self._run, path, protocol, hello)
            await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
            await client.opened
            await asyncio.sleep(0.013)


async def _serve(role: str, audio: bytes) -> None:
    shared = Run(audio)

    async def count(on: bool) -> dict[str, Any]:
        shared.counting = on
        return {}

    async def report() -> dict[str, Any]:
        return shared.report()

    handlers: dict[str, Handler] = {"count": count, "report": report}
    if role == "upstream":
        upstream = Upstream(shared)
        handlers["tools"] = upstream.tools
        print(json.dumps({"port": await upstream.listen()}), flush=True)
    else:
        handlers["connect"] = Load(shared).connect
    gc.disable()
    await obey(handlers)


if __name__ == "__main__":
    run(_serve(sys.argv[1], Path(sys.argv[2]).read_bytes()))
