"""How a process of the benchmark takes commands on stdin, `{"do": name, …}`, and answers on stdout, one JSON a line. Read next: `processes`, which asks."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Handler = Callable[..., Awaitable[dict[str, Any]]]


async def obey(handlers: Mapping[str, Handler]) -> None:
    """Answer until stdin ends; what could not be done is answered too."""
    reader = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        try:
            answer = await handlers[command.pop("do")](**command)
        except (OSError, TimeoutError) as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
