"""Sound for a candidate who has no microphone: WAV files of any rate as 16 kHz PCM, and text spoken by one of the server's own small voices.

The voice is flite's `rms` where flite is installed: of all it is the one the keyless recogniser hears best, so the word error rate is flattered.
Read next: `candidate`.
"""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from bridge.domain.setup import Pace, Voice
from bridge.errors import InvalidInput, VoiceUnavailable
from bridge.wire.candidate import SAMPLE_RATE
from pipeline.voice.choose import choose_synthesiser
from pipeline.voice.synthesis import Synthesiser

QUIET = 200
"""Samples below this (of 32 768) count as silence at the edges of a sentence."""
EDGE_MS = 60
"""Silence left at both ends of a sentence, so that an answer flows: what pauses at every full stop is taken for finished."""
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, whitespace folded."""
    return [part for part in _SENTENCE_END.split(" ".join(text.split())) if part]


def read_wav(path: Path) -> bytes:
    """A PCM16 WAV, mono or stereo, at any rate, as PCM16 16 kHz mono. Raises InvalidInput with a sentence."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise InvalidInput(f"{path.name} is not a readable WAV file ({error}).") from None
    if width != 2 or channels > 2:
        raise InvalidInput(f"{path.name} has {channels} channels of {width * 8} bits; mono or stereo 16-bit PCM is needed.")
    samples = np.frombuffer(data[: len(data) // (2 * channels) * 2 * channels], dtype="<i2").reshape(-1, channels)
    if not len(samples):
        raise InvalidInput(f"{path.name} holds no audio.")
    return to_wire(samples.mean(axis=1), rate)


def to_wire(samples: npt.NDArray[np.floating | np.integer], rate: int) -> bytes:
    """Mono samples of 16-bit size as PCM16 at the wire's rate."""
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE)
    pcm: npt.NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    return pcm.tobytes()


def trimmed(pcm: bytes) -> bytes:
    """Without the silence at both ends, but for a breath."""
    samples = np.frombuffer(pcm, dtype="<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    if not len(loud):
        return b""
    edge = EDGE_MS * SAMPLE_RATE // 1000
    return samples[max(0, loud[0] - edge) : loud[-1] + edge].tobytes()


def choose(wanted: str) -> Synthesiser:
    """The voice a candidate speaks with: flite when it is there, else espeak. Raises VoiceUnavailable, saying what else there is."""
    try:
        return choose_synthesiser(wanted)
    except VoiceUnavailable:
        what = "No voice is" if wanted == "auto" else f"The voice {wanted} is not"
        help_ = "install flite (apt-get install flite) or the `embedded` extra, or use --typed or --audio"
        raise VoiceUnavailable(f"{what} installed: {help_}.") from None


async def speak(voice: Synthesiser, text: str) -> bytes:
    """One sentence as PCM16 16 kHz mono, trimmed."""
    speech = await voice.speak(text, Voice.DEEP, Pace.MODERATE)
    return trimmed(to_wire(np.frombuffer(speech.pcm, dtype="<i2"), speech.rate))
