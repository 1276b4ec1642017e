"""Mouth and ears of a Live session: 24 kHz speech from this machine's small voice, speech found in a microphone's energy, and words for it.

Words are those a test has promised, in order; without any, what PocketSphinx makes of the audio where it is installed. Read next: `gemini_live`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Iterable
from importlib.util import find_spec

import numpy as np
import soxr

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable
from pipeline.voice import sphinx_wire as wire
from pipeline.voice.choose import choose_synthesiser
from pipeline.voice.sphinx_child import SphinxChild
from pipeline.voice.synthesis import CACHE

OUT_RATE = 24_000
IN_RATE = 16_000
WINDOW_MS = 20
LOUD = 400.0
"""Root mean square from which on a window counts as speech."""
START_WINDOWS = 3
PREROLL_WINDOWS = 15
WORD_SECONDS = 0.28
PATIENCE_SECONDS = 20.0
INAUDIBLE = "(not understood)"
_RATE = re.compile(r"audio/pcm(?:;\s*rate=(\d+))?")


def rate_of(mime_type: str) -> int | None:
    """Hertz of `audio/pcm;rate=…`; None for anything else."""
    match = _RATE.fullmatch(mime_type.strip())
    return int(match.group(1) or IN_RATE) if match else None


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """PCM16 mono at another rate."""
    if rate == wanted or not pcm:
        return pcm
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
    turned: bytes = soxr.resample(samples, rate, wanted).astype("<i2").tobytes()
    return turned


def hum(text: str) -> bytes:
    """A tone as long as the words would take: speech without a voice."""
    samples = np.arange(int(OUT_RATE * WORD_SECONDS * max(1, len(text.split()))))
    tone: bytes = (6_000 * np.sin(samples * 2 * np.pi * 180 / OUT_RATE)).astype("<i2").tobytes()
    return tone


async def speak(text: str) -> bytes:
    """A sentence as PCM16 at 24 kHz; a hum where no voice is installed."""
    try:
        speech = await CACHE.speak(choose_synthesiser(), text, Voice.NEUTRAL, Pace.MODERATE)
    except VoiceUnavailable:
        return hum(text)
    return resampled(speech.pcm, speech.rate, OUT_RATE)


class Ears:
    """Finds utterances in 16 kHz audio by its energy. `silence_ms` of quiet end one."""

    def __init__(self, silence_ms: int) -> None:
        self._silence_windows = max(1, silence_ms // WINDOW_MS)
        self._rest = b""
        self._before: deque[bytes] = deque(maxlen=PREROLL_WINDOWS)
        self._speech = bytearray()
        self._loud = 0
        self._quiet = 0
        self.speaking = False

    def feed(self, pcm: bytes) -> Iterable[tuple[str, bytes]]:
        """("started", b"") and ("stopped", the utterance) as they happen."""
        size = IN_RATE * 2 * WINDOW_MS // 1000
        self._rest += pcm
        while len(self._rest) >= size:
            window, self._rest = self._rest[:size], self._rest[size:]
            yield from self._window(window)

    def _window(self, window: bytes) -> Iterable[tuple[str, bytes]]:
        samples = np.frombuffer(window, dtype="<i2").astype(np.float32)
        loud = float(np.sqrt(np.mean(samples * samples))) >= LOUD
        if not self.speaking:
            self._before.append(window)
            self._loud = self._loud + 1 if loud else 0
            if self._loud >= START_WINDOWS:
                self._open()
                yield "started", b""
            return
        self._speech += window
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet >= self._silence_windows:
            yield "stopped", self.close()

    def _open(self) -> None:
        self.speaking, self._quiet, self._loud = True, 0, 0
        self._speech = bytearray(b"".join(self._before))
        self._before.clear()

    def begin(self) -> None:
        """The client says that speech begins."""
        self._open()

    def close(self) -> bytes:
        """End the open utterance and give it; b"" when none is open."""
        speech = bytes(self._speech) if self.speaking else b""
        self.speaking, self._speech = False, bytearray()
        return speech

    def take(self, pcm: bytes) -> None:
        """Audio of an utterance the client marks itself."""
        if self.speaking:
            self._speech += pcm


class Hearing:
    """Words for utterances. One for a whole stand-in."""

    def __init__(self, words: Iterable[str] = (), *, recogniser: bool = True) -> None:
        self.words = deque(words)
        self._recogniser = recogniser and find_spec("pocketsphinx") is not None
        self._child: SphinxChild | None = None
        self._one = asyncio.Lock()
        self._count = 0

    async def understand(self, pcm: bytes) -> str:
        """What was said in 16 kHz PCM16."""
        if self.words:
            return self.words.popleft()
        if not self._recogniser or not pcm:
            return INAUDIBLE
        async with self._one:
            return await self._recognise(pcm) or INAUDIBLE

    async def _recognise(self, pcm: bytes) -> str:
        if self._child is None:
            self._child = await SphinxChild.start()
        self._count += 1
        self._child.write(wire.pack_json(wire.BEGIN, id=self._count, at=0))
        self._child.write(wire.pack(wire.AUDIO, pcm))
        self._child.write(wire.pack(wire.END))
        heard: list[str] = []
        async for message in self._child.messages(PATIENCE_SECONDS):
            if message is None or message[0] == wire.FAILED:
                break
            if message[0] == wire.PIECE:
                piece = json.loads(message[1])
                heard.append(piece.get("text") or "")
                if piece.get("last"):
                    return " ".join(filter(None, heard))
        await self._child.kill()
        self._child = None
        return " ".join(filter(None, heard))

    async def close(self) -> None:
        """Be rid of the recogniser's process."""
        if self._child is not None:
            await self._child.close()
            self._child = None
