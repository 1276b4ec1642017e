"""WAV files of any rate become what the wire takes; speech is trimmed (R-018)."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InvalidInput, VoiceUnavailable
from web.rehearsal import sound


def write(path: Path, *, rate: int = 16_000, channels: int = 1, width: int = 2, seconds: float = 0.5) -> Path:
    """A WAV of a 440 Hz tone."""
    t = np.arange(int(rate * seconds)) / rate
    samples = (8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2")
    data = np.repeat(samples, channels).tobytes() if width == 2 else bytes(len(samples) * channels * width)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (8_000, 1), (48_000, 2)])
def test_any_rate_and_stereo_become_the_wire_s(tmp_path: Path, rate: int, channels: int) -> None:
    """R-018: half a second stays half a second, as loud as before."""
    pcm = np.frombuffer(sound.read_wav(write(tmp_path / "a.wav", rate=rate, channels=channels)), dtype="<i2")

    assert pytest.approx(8_000, abs=20) == len(pcm)
    assert pytest.approx(8_000, rel=0.05) == np.abs(pcm[500:-500].astype(int)).max()


@pytest.mark.parametrize("options", [{"width": 1}, {"channels": 3}, {"seconds": 0}])
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, options: dict[str, int]) -> None:
    """What is wrong with which file."""
    with pytest.raises(InvalidInput, match=r"a\.wav"):
        sound.read_wav(write(tmp_path / "a.wav", **options))


def test_a_file_that_is_no_wav_is_refused(tmp_path: Path) -> None:
    """No traceback of the wave module."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF but not really")

    with pytest.raises(InvalidInput, match="not a readable WAV"):
        sound.read_wav(path)


def test_silence_at_the_edges_goes_but_for_a_breath() -> None:
    """So that an answer flows."""
    loud = np.full(1_600, 5_000, dtype="<i2")
    pcm = bytes(32_000) + loud.tobytes() + bytes(32_000)

    trimmed = np.frombuffer(sound.trimmed(pcm), dtype="<i2")

    assert 1_600 + 2 * 16 * sound.EDGE_MS == pytest.approx(len(trimmed), abs=1)
    assert b"" == sound.trimmed(bytes(3_200))


def test_sentences() -> None:
    """Cut at sentence ends, whitespace folded."""
    assert ["One is first.", "Is two?", "Yes; 2.5 is more!"][:2] == sound.sentences("One  is\nfirst. Is two? ")


@pytest.mark.skipif(shutil.which("flite") is None, reason="no flite on this machine (apt-get install flite)")
async def test_flite_speaks() -> None:
    """R-018: a sentence of eight words takes two to five seconds."""
    pcm = await sound.speak(sound.choose("flite"), "I would put a cache before the database.")

    assert 2 < len(pcm) / 32_000 < 5


def test_a_voice_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, or what to do without."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(VoiceUnavailable, match="The voice flite is not installed: install flite"):
        sound.choose("flite")
