"""How the scripted interviewer speaks and what it hears: this machine's small voice or a hum, and three kinds of ears.

Nothing heavy is imported before it is used. Read next: `vapi_assistant`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Literal, Protocol

import numpy as np
import soxr

from pipeline.sound import resampler
from pipeline.voice import sphinx_wire as wire
from pipeline.voice.sphinx_child import SphinxChild

Speaks = Callable[[str, int], Awaitable[bytes]]
"""Words and a rate in Hz to PCM16 mono."""
Hears = Literal["auto", "sphinx", "none"]

HUM_WORD_SECONDS = 0.18
HUM_HERTZ = 180
LAST_WORDS_SECONDS = 15.0
"""How long words may be waited for after a turn."""


async def hum(text: str, rate: int) -> bytes:
    """A tone that lasts as long as quick words would: speech without a voice."""
    samples = np.arange(int(rate * HUM_WORD_SECONDS * max(1, len(text.split()))))
    tone: bytes = (6_000 * np.sin(samples * (2 * np.pi * HUM_HERTZ / rate))).astype("<i2").tobytes()
    return tone


async def speak(text: str, rate: int) -> bytes:
    """Words in this machine's voice, from the product's own cache of spoken sentences. Raises VoiceUnavailable."""
    from bridge.domain.setup import Pace, Voice  # noqa: PLC0415 - with the voice
    from pipeline.voice.choose import choose_synthesiser  # noqa: PLC0415 - brings pipecat
    from pipeline.voice.synthesis import CACHE  # noqa: PLC0415 - brings pipecat

    speech = await CACHE.speak(choose_synthesiser(), text, Voice.NEUTRAL, Pace.MODERATE)
    return resampled(speech.pcm, speech.rate, rate)


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """PCM16 mono at another rate."""
    if rate == wanted or not pcm:
        return pcm
    turned: bytes = soxr.resample(np.frombuffer(pcm, dtype="<i2"), rate, wanted).astype("<i2").tobytes()
    return turned


class Ears(Protocol):
    """Turns of one candidate as words."""

    @property
    def so_far(self) -> str:
        """The words of the open turn as far as they are known."""

    def prepare(self) -> None:
        """Words will be wanted soon."""

    def begin(self) -> None:
        """A turn begins."""

    def hear(self, pcm: bytes) -> None:
        """Audio of it, at the call's rate."""

    async def end(self) -> str:
        """The turn is over: its words."""

    async def close(self) -> None:
        """The call is over."""


def make_ears(kind: Hears, rate: int) -> Ears:
    """The ears for one call; `auto` is the recogniser where it is installed."""
    if kind == "none" or (kind == "auto" and find_spec("pocketsphinx") is None):
        return NoEars(rate)
    return SphinxEars(rate)


class NoEars:
    """Knows only how long somebody spoke."""

    so_far = ""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._bytes = 0

    def prepare(self) -> None:
        """See `Ears`."""

    def begin(self) -> None:
        """See `Ears`."""
        self._bytes = 0

    def hear(self, pcm: bytes) -> None:
        """See `Ears`."""
        self._bytes += len(pcm)

    async def end(self) -> str:
        """See `Ears`."""
        return f"(speech of {self._bytes / 2 / self._rate:.1f} seconds)"

    async def close(self) -> None:
        """See `Ears`."""


class SphinxEars:
    """The product's recogniser in its own process, listening while the candidate speaks."""

    def __init__(self, rate: int) -> None:
        self._resample = resampler(rate, wire.RATE)
        self._child: SphinxChild | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        """What is to be told to a process that is not up yet."""
        self._turn = 0
        self._pieces: dict[int, list[str]] = {}
        self._done: dict[int, asyncio.Event] = {}
        self._partial = ""

    @property
    def so_far(self) -> str:
        """See `Ears`."""
        return " ".join([*self._pieces.get(self._turn, ()), self._partial]).strip()

    def prepare(self) -> None:
        """See `Ears`."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())

    def begin(self) -> None:
        """See `Ears`."""
        self._turn += 1
        self._partial = ""
        self._pieces[self._turn], self._done[self._turn] = [], asyncio.Event()
        self.prepare()
        self._tell(wire.pack_json(wire.BEGIN, id=self._turn, at=0))

    def hear(self, pcm: bytes) -> None:
        """See `Ears`."""
        pcm = self._resample(pcm)
        self._tell(wire.pack(wire.AUDIO, pcm))

    async def end(self) -> str:
        """See `Ears`."""
        turn = self._turn
        self._tell(wire.pack(wire.END))
        with contextlib.suppress(TimeoutError):  # what was understood until then has to do
            await asyncio.wait_for(self._done[turn].wait(), LAST_WORDS_SECONDS)
        del self._done[turn]
        return " ".join(filter(None, self._pieces.pop(turn)))

    async def close(self) -> None:
        """See `Ears`."""
        for task in (self._starting, self._reader):
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, (self._starting, self._reader)), return_exceptions=True)
        if self._child is not None:
            await self._child.kill()

    def _tell(self, frame: bytes) -> None:
        if self._child is None:
            self._waiting.append(frame)
        else:
            self._child.write(frame)

    async def _start(self) -> None:
        child = await SphinxChild.start()
        for frame in self._waiting:
            child.write(frame)
        self._waiting.clear()
        self._child = child
        self._reader = asyncio.create_task(self._read(child))

    async def _read(self, child: SphinxChild) -> None:
        async for message in child.messages(LAST_WORDS_SECONDS):
            if message is None or message[0] not in (wire.HEARD, wire.PIECE):
                continue
            fields = json.loads(message[1])
            turn = fields["id"]
            if message[0] == wire.HEARD:
                self._partial = fields["text"] or self._partial
                continue
            self._partial = ""
            self._pieces.setdefault(turn, []).append(fields["text"])
            if fields["last"] and turn in self._done:
                self._done[turn].set()
        for waiting in self._done.values():
            waiting.set()
