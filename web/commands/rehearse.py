"""`prepkit rehearse`: a candidate without a browser holds one whole interview, in real time.

Without `--url` it starts a server of its own with a temporary data folder and stops it afterwards. Read next: `web.rehearsal`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bridge.errors import PrepkitError

from ..rehearsal import sound
from ..rehearsal.account import Account
from ..rehearsal.api import Api, RehearsalFailed
from ..rehearsal.candidate import Candidate, Prepared, Recorded, Written, read_paragraphs, read_recordings
from ..rehearsal.client import Order, Rehearsal
from ..rehearsal.house import House
from ..rehearsal.progress import Progress, summary


@dataclass(frozen=True)
class Choice:
    """What the command line says."""

    type: str
    difficulty: str
    duration: int | None
    questions: int | None
    url: str | None = None
    audio: Sequence[Path] = ()
    text: Path | None = None
    typed: bool = False
    voice: str = "auto"
    json: bool = False
    drop_after: float | None = None


def make_candidate(choice: Choice) -> Candidate:
    """Who answers. Raises InvalidInput or VoiceUnavailable with a sentence."""
    if choice.audio:
        return Recorded(read_recordings(choice.audio))
    voice = None if choice.typed else sound.choose(choice.voice)
    if choice.text is not None:
        return Written(read_paragraphs(choice.text), voice)
    return Prepared(voice)


def setup_body(choice: Choice) -> dict[str, Any]:
    """The set-up request."""
    body = {
        "type": choice.type,
        "difficulty": choice.difficulty,
        "duration": choice.duration,
        "questionCount": choice.questions,
    }
    return {name: value for name, value in body.items() if value is not None}


@asynccontextmanager
async def somewhere(url: str | None) -> AsyncIterator[tuple[str, House | None]]:
    """The given server, or one of our own that is gone afterwards."""
    if url:
        yield url.rstrip("/"), None
        return
    with tempfile.TemporaryDirectory(prefix="prepkit-rehearse-", ignore_cleanup_errors=True) as folder:
        house = House(Path(folder) / "data")
        try:
            await house.start()
            yield house.url, house
        finally:
            await house.stop()


async def rehearse(choice: Choice) -> int:
    """Hold the interview; 0 when its report is ready."""
    progress = Progress(sys.stderr if choice.json else sys.stdout, quiet=choice.json and not sys.stderr.isatty())
    candidate = await asyncio.to_thread(make_candidate, choice)
    order = Order(setup_body(choice), typed=choice.typed, drop_after=choice.drop_after)
    if choice.url is None:
        progress.line("Starting a server with a temporary data folder …")
    async with somewhere(choice.url) as (url, house), aiohttp.ClientSession() as http:
        rehearsal = Rehearsal(Api(http, url), order, candidate, progress)
        running = asyncio.create_task(rehearsal.run())
        problem: PrepkitError | None = None
        try:
            with _interruptible(rehearsal, running, progress):
                await running
        except PrepkitError as error:
            problem = _cause(error, house)
        except asyncio.CancelledError:
            problem = RehearsalFailed("The rehearsal was stopped.")
        progress.close()
        _show(rehearsal.account, choice, problem)
    return 0 if problem is None and rehearsal.account.ready else 1


def _cause(error: PrepkitError, house: House | None) -> PrepkitError:
    """What is really wrong when the server of our own is gone."""
    try:
        if house is not None:
            house.check()
    except RehearsalFailed as gone:
        return gone
    return error


def _show(account: Account, choice: Choice, problem: PrepkitError | None) -> None:
    if choice.json:
        said = account.as_json() | ({"error": {"code": problem.code, "message": problem.message}} if problem else {})
        print(json.dumps(said, ensure_ascii=False))
    elif account.ready:
        print("\n".join(summary(account, choice.url)))
    if problem is not None:
        print(f"Error: {problem.message}", file=sys.stderr)


class _interruptible:  # noqa: N801 - used like a function
    """Ctrl-C asks the interviewer for the end, as the page's button does; a second one stops at once."""

    def __init__(self, rehearsal: Rehearsal, running: asyncio.Task[Account], progress: Progress) -> None:
        self._rehearsal = rehearsal
        self._running = running
        self._progress = progress
        self._ending: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def _interrupt(self) -> None:
        if self._ending is not None or not self._rehearsal.live:
            self._running.cancel()
            return
        self._progress.line("· Ending the interview; press Ctrl-C again to stop at once.")
        self._ending = asyncio.create_task(self._rehearsal.end())
