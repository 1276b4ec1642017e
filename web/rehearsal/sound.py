"""Sound for a candidate who has no microphone: WAV files of any rate as 16 kHz PCM, and text spoken by flite or espeak.

All functions block and are called in threads. Read next: `candidate`.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

from bridge.errors import InvalidInput, VoiceUnavailable
from bridge.wire.candidate import SAMPLE_RATE

Engine = Literal["flite", "espeak"]
FLITE_VOICE = "rms"
"""Of flite's voices the one that the keyless recogniser hears best, so this flatters the recogniser."""
ESPEAK_WORDS_PER_MINUTE = 160
SYNTHESIS_TIMEOUT_SECONDS = 60
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
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def trimmed(pcm: bytes) -> bytes:
    """Without the silence at both ends, but for a breath."""
    samples = np.frombuffer(pcm, dtype="<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    if not len(loud):
        return b""
    edge = EDGE_MS * SAMPLE_RATE // 1000
    return samples[max(0, loud[0] - edge) : loud[-1] + edge].tobytes()


def choose_engine(wanted: str) -> Engine:
    """The voice a candidate speaks with: flite when it is there, else espeak. Raises VoiceUnavailable, saying what to install."""
    if wanted in ("auto", "flite") and shutil.which("flite"):
        return "flite"
    if wanted in ("auto", "espeak") and _espeak_is_there():
        return "espeak"
    missing = {"flite": "flite is not installed (apt-get install flite)", "espeak": "espeak is not installed (pip install espeakng-loader)"}
    why = missing.get(wanted, "Neither flite nor espeak is installed (apt-get install flite)")
    raise VoiceUnavailable(f"{why}; rehearse with --typed or --audio instead.")


def _espeak_is_there() -> bool:
    try:
        import espeakng_loader  # noqa: F401, PLC0415 - optional: absent without the `embedded` extra
    except ImportError:
        return False
    return True


def speak(engine: Engine, text: str) -> bytes:
    """One sentence as PCM16 16 kHz mono, trimmed."""
    return trimmed(_flite(text) if engine == "flite" else _espeak(text))


def _flite(text: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        said, spoken = Path(folder, "said.txt"), Path(folder, "spoken.wav")
        said.write_text(text, encoding="utf-8")
        command = ["flite", "-voice", FLITE_VOICE, "-f", str(said), "-o", str(spoken)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SYNTHESIS_TIMEOUT_SECONDS)  # noqa: S603 - our own words
        except (OSError, subprocess.SubprocessError) as error:
            raise VoiceUnavailable(f"flite could not speak ({type(error).__name__}).") from None
        return read_wav(spoken)
