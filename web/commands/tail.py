"""`prepkit tail SESSION`: one call in the terminal, history first, then as it happens, through restarts of the server.

Reads the same stream as the operators' page; the last id it saw goes with each new try. Read next: `web.operator.stream`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp

from bridge.errors import PrepkitError

RETRY_SECONDS = 1.0
QUIET = frozenset({"levels", "caught-up"})


async def tail(url: str, session_id: str, token: str, *, raw: bool = False, say: Callable[[str], None] = print) -> None:
    """Print until the interview is over. Raises PrepkitError when the server refuses."""
    last = 0
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = f"{url.rstrip('/')}/api/operator/calls/{quote(session_id, safe='')}/events"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=60)) as http:
        while True:
            try:
                async with http.get(address, headers=headers | {"Last-Event-ID": str(last)}) as response:
                    if response.status != 200:
                        raise PrepkitError((await response.json())["error"]["message"])
                    async for line in response.content:
                        if not line.startswith(b"data: "):
                            continue
                        item = json.loads(line[6:])
                        last = item["seq"] or last
                        if item["kind"] == "end":
                            return
                        if raw or item["kind"] not in QUIET:
                            say(json.dumps(item, ensure_ascii=False) if raw else words(item))
            except (aiohttp.ClientError, TimeoutError):
                # The server restarts, or the line was lost.
                await asyncio.sleep(RETRY_SECONDS)


def words(item: dict[str, Any]) -> str:
    """One item as a line."""
    at, data = item["atMs"] // 1000, item["data"]
    match item["kind"]:
        case "turn-recorded":
            text = f"{data['speaker']}: {data['text']}{'' if data['final'] else ' …'}"
        case "partial":
            text = f"{data['speaker']} … {data['text']}"
        case "question-asked":
            text = f"question {data['n']} of {data['of']}: {data['text']}"
        case "tool-answered":
            text = f"{data['tool']} answered in {data['took_ms']} ms from {data['source']}"
        case kind:
            text = f"{kind} {json.dumps({k: v for k, v in data.items() if v not in ('', 0, None)}, ensure_ascii=False)}"
    # A terminal must not be steered by what somebody said.
    return f"{at // 60:3}:{at % 60:02}  " + "".join(c if c.isprintable() else " " for c in text)
