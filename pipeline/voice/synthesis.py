"""Two small voices that need no model download: flite when it is installed, eSpeak NG through its wheel.

A `Synthesiser` turns one sentence into PCM16 mono; what it made is kept in a cache shared by all calls, since every candidate hears the same
sentences. `LocalSpeech` is the pipecat service over either. eSpeak's state is global to the process, so a lock serialises it. Read next: `choose`.
"""

from __future__ import annotations

import asyncio
import ctypes
import struct
import tempfile
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pipecat.frames.frames import Frame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable

from .available import ESPEAK_LABEL, FLITE_LABEL

CACHE_BYTES = 32 * 1024 * 1024
FLITE_TIMEOUT_SECONDS = 20
PIECE_BYTES = 6_400


@dataclass(frozen=True)
class Speech:
    """One spoken sentence."""

    pcm: bytes
    """PCM16 LE mono."""
    rate: int
    """Hz."""


class Synthesiser(Protocol):
    """A voice that speaks one sentence at a time."""

    name: str
    label: str
    """What it is, in words for the page."""

    async def speak(self, text: str, voice: Voice, pace: Pace) -> Speech:
        """The sentence as audio. Raises VoiceUnavailable."""


class Flite:
    """The `flite` program: a sentence in by file, a WAV out; never through a shell."""

    name = "flite"
    label = FLITE_LABEL
    VOICES: ClassVar[dict[Voice, tuple[str, ...]]] = {
        Voice.NEUTRAL: ("-voice", "slt"),
        Voice.WARM: ("-voice", "slt", "--setf", "int_f0_target_mean=150"),  # the same speaker, lower; 176 Hz is her own
        Voice.DEEP: ("-voice", "rms"),
    }
    STRETCH: ClassVar[dict[Pace, str]] = {Pace.SLOW: "1.2", Pace.MODERATE: "1.0", Pace.FAST: "0.85"}

    async def speak(self, text: str, voice: Voice, pace: Pace) -> Speech:
        """See `Synthesiser`."""
        with tempfile.TemporaryDirectory(prefix="prepkit-flite-") as folder:
            source, target = Path(folder) / "text", Path(folder) / "speech.wav"
            source.write_bytes(plain_text(text))
            options = [*self.VOICES[voice], "--setf", f"duration_stretch={self.STRETCH[pace]}"]
            await self._run(*options, "-f", str(source), "-o", str(target))
            return read_wav(target.read_bytes() if target.exists() else b"")

    async def _run(self, *options: str) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec("flite", *options, stdin=quiet, stdout=quiet, stderr=quiet)
        except OSError as error:
            raise VoiceUnavailable("flite could not be run; set PREPKIT_SPEECH to espeak.") from error
        try:
            code = await asyncio.wait_for(process.wait(), FLITE_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise VoiceUnavailable("flite took too long; set PREPKIT_SPEECH to espeak.") from error
        finally:
            if process.returncode is None:  # too slow, or the call is over: nobody waits for it any more
                process.kill()
                await process.wait()
        if code:
            raise VoiceUnavailable(f"flite failed with exit code {code}; set PREPKIT_SPEECH to espeak.")


class Espeak:
    """eSpeak NG in this process, by ctypes with its synchronous callback; 10–15 ms for nine seconds of speech."""

    name = "espeak"
    label = ESPEAK_LABEL
    VARIANTS: ClassVar[dict[Voice, bytes]] = {Voice.NEUTRAL: b"en-us", Voice.WARM: b"en-us+f4", Voice.DEEP: b"en-us+m1"}
    WORDS_PER_MINUTE: ClassVar[dict[Pace, int]] = {Pace.SLOW: 130, Pace.MODERATE: 155, Pace.FAST: 185}
    _lock = threading.Lock()
    _library: ctypes.CDLL | None = None
    _rate = 22_050

    async def speak(self, text: str, voice: Voice, pace: Pace) -> Speech:
        """See `Synthesiser`."""
        return await asyncio.to_thread(self._speak, text, voice, pace)

    def _speak(self, text: str, voice: Voice, pace: Pace) -> Speech:
        heard = bytearray()

        def take(samples: Any, count: int, _events: Any) -> int:
            if samples and count > 0:
                heard.extend(ctypes.string_at(samples, count * 2))
            return 0

        with self._lock:
            library = self._load()
            callback = _CALLBACK(take)
            library.espeak_SetSynthCallback(callback)
            library.espeak_SetVoiceByName(self.VARIANTS[voice])
            library.espeak_SetParameter(_RATE, self.WORDS_PER_MINUTE[pace], 0)
            data = text.encode()
            if library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None) != 0:
                raise VoiceUnavailable("eSpeak NG could not speak a sentence.")
            library.espeak_Synchronize()
            return Speech(bytes(heard), self._rate)

    @classmethod
    def _load(cls) -> ctypes.CDLL:
        if cls._library is None:
            try:
                import espeakng_loader  # noqa: PLC0415 - GPL-3 and therefore an extra
            except ImportError as error:
                raise VoiceUnavailable("No voice is installed: install flite, or the `embedded` extra.") from error
            try:
                library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
            except OSError as error:
                raise VoiceUnavailable("eSpeak NG is installed but could not be loaded on this machine.") from error
            library.espeak_Synth.argtypes = [
                ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
                ctypes.c_void_p, ctypes.c_void_p,
            ]  # fmt: skip
            library.espeak_SetSynthCallback.argtypes = [_CALLBACK]
            data = str(espeakng_loader.get_data_path()).encode()
            rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
            if rate <= 0:
                raise VoiceUnavailable("eSpeak NG could not be initialised.")
            cls._library, cls._rate = library, int(rate)
        return cls._library


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _RATE = 2, 0x8000, 1, 1


class Cache:
    """Sentences already spoken, the least recently used one dropped first; bounded by bytes."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[tuple[str, Voice, Pace, str], Speech] = OrderedDict()

    async def speak(self, synthesiser: Synthesiser, text: str, voice: Voice, pace: Pace) -> Speech:
        """The sentence, spoken now or before."""
        key = (synthesiser.name, voice, pace, text)
        if (speech := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return speech
        speech = await synthesiser.speak(text, voice, pace)
        if key not in self._kept:
            self._kept[key] = speech
            self._size += len(speech.pcm)
        while self._size > self._limit and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped.pcm)
        return speech


CACHE = Cache()


class LocalSpeech(TTSService):
    """A pipecat voice over a synthesiser."""

    def __init__(self, synthesiser: Synthesiser, voice: Voice, pace: Pace) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=synthesiser.name, voice=voice.value, language=None),
        )
        self.engine_name = synthesiser.name
        self.label = synthesiser.label
        """What speaks, in words for the page."""
        self._speech_synthesiser = synthesiser
        self._speech_voice = voice
        self._speech_pace = pace

    def can_generate_metrics(self) -> bool:
        """Time from text to audio is measured."""
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """The sentence's audio; an engine that fails is reported once, in words."""
        try:
            speech = await CACHE.speak(self._speech_synthesiser, text, self._speech_voice, self._speech_pace)
        except VoiceUnavailable as error:
            await self.push_error(error.message, exception=error)
            return
        await self.start_tts_usage_metrics(text)
        async for frame in self._stream_audio_frames_from_iterator(
            _pieces(speech.pcm), in_sample_rate=speech.rate, context_id=context_id
        ):
            yield frame


async def _pieces(pcm: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(pcm), PIECE_BYTES):
        yield pcm[at : at + PIECE_BYTES]


def read_wav(data: bytes) -> Speech:
    """The samples of a PCM16 mono WAV; chunk sizes are followed, since programs put their own chunks in."""
    at, rate = 12, 16_000
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"fmt ":
            rate = struct.unpack_from("<I", data, at + 12)[0]
        elif name == b"data":
            return Speech(data[at + 8 : at + 8 + size], rate)
        at += 8 + size + size % 2
    raise VoiceUnavailable("flite wrote no audio.")


def plain_text(text: str) -> bytes:
    """What flite can read: it knows no letter outside ASCII and would spell each of its bytes."""
    text = text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: ", ", 0x2014: ", ", 0x2026: "..."})
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
