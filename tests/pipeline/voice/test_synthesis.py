"""The two synthetic voices: real audio at the right rate, every voice and pace, and text that is only ever text (R-044, R-065)."""

import asyncio
import os
import shutil
import stat
import time

import numpy as np
import pytest
from pipecat.frames.frames import (
    AggregatedTextFrame,
    ErrorFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import run_test

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable
from pipeline.voice.synthesis import Cache, Espeak, Flite, LocalSpeech, Speech, plain_text, read_wav

from .hearing import needs_flite

pytest.importorskip("espeakng_loader", reason="the `embedded` extra is not installed")

LINE = "Tell me about a time you disagreed with a colleague."
ENGINES = [Espeak, pytest.param(Flite, marks=needs_flite)]


def seconds(speech):
    """How long it lasts."""
    return len(speech.pcm) / 2 / speech.rate


def pitch(speech):
    """The median fundamental frequency of its voiced parts, by autocorrelation."""
    samples = np.frombuffer(speech.pcm, np.int16).astype(float)
    size, low, high = speech.rate // 16, speech.rate // 300, speech.rate // 70
    found = []
    for at in range(0, len(samples) - size, size // 2):
        part = samples[at : at + size]
        if part.std() > 800:
            alike = np.correlate(part, part, "full")[size - 1 :]
            lag = low + int(alike[low:high].argmax())
            if alike[lag] > alike[0] / 2:
                found.append(speech.rate / lag)
    return float(np.median(found))


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_sentence_becomes_sound(engine):
    """R-065: a few seconds, audible, not clipped."""
    speech = await engine().speak(LINE, Voice.NEUTRAL, Pace.MODERATE)
    samples = np.frombuffer(speech.pcm, np.int16).astype(float)

    assert speech.rate in (16_000, 22_050)
    assert 2 < seconds(speech) < 6
    assert np.sqrt((samples**2).mean()) > 500
    assert (np.abs(samples) >= 32_767).mean() < 0.01


@pytest.mark.parametrize("engine", ENGINES)
async def test_pace_is_heard(engine):
    """R-044: slow takes longer than moderate, moderate longer than fast."""
    slow, moderate, fast = [
        seconds(await engine().speak(LINE, Voice.NEUTRAL, pace)) for pace in (Pace.SLOW, Pace.MODERATE, Pace.FAST)
    ]

    assert slow > moderate * 1.1 > fast * 1.2


@pytest.mark.parametrize("engine", ENGINES)
async def test_voices_differ(engine):
    """R-044: three voices, three sounds, and the deep one is the lowest."""
    speeches = {voice: await engine().speak(LINE, voice, Pace.MODERATE) for voice in Voice}

    assert len({speech.pcm for speech in speeches.values()}) == len(Voice)
    assert pitch(speeches[Voice.DEEP]) < pitch(speeches[Voice.NEUTRAL])
    assert pitch(speeches[Voice.DEEP]) < pitch(speeches[Voice.WARM])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "text",
    [
        "-version",
        "--help me; $(touch owned) `id` | cat",
        "/etc/hostname",
        "<speak>hi</speak>",
        "O'Reilly\u2019s \u201ccaf\u00e9\u201d \u2014 \u65e5\u672c, ok?",
    ],
)
async def test_text_is_never_an_option_a_command_or_a_file(engine, text, tmp_path, monkeypatch):
    """R-044: whatever a model answers is spoken as words and does nothing."""
    monkeypatch.chdir(tmp_path)

    speech = await engine().speak(text, Voice.NEUTRAL, Pace.MODERATE)

    assert seconds(speech) > 0.2
    assert list(tmp_path.iterdir()) == []


async def test_two_sentences_at_once_are_not_mixed():
    """R-044: eSpeak's state is global; two calls still get each their own sentence, in their own voice and pace."""
    orders = [(LINE, Voice.WARM, Pace.FAST), ("Yes.", Voice.DEEP, Pace.SLOW)] * 4
    alone = [await Espeak().speak(*order) for order in orders]
    together = await asyncio.gather(*(Espeak().speak(*order) for order in orders))

    # It never makes the same sound twice, but nearly.
    assert [seconds(speech) for speech in together] == pytest.approx([seconds(speech) for speech in alone], rel=0.03)
    assert pitch(together[0]) == pytest.approx(pitch(alone[0]), rel=0.05)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_line_in_a_pipeline(engine):
    """R-065: pipecat's own frames, audio at the rate of the call whatever the engine's, and nothing of the text lost."""
    speech = LocalSpeech(engine(), Voice.NEUTRAL, Pace.MODERATE)
    original = await engine().speak(LINE, Voice.NEUTRAL, Pace.MODERATE)
    down, up = await run_test(
        speech,
        frames_to_send=[TTSSpeakFrame(LINE)],
        pipeline_params=PipelineParams(audio_out_sample_rate=24_000),
        start_timeout=20,
    )
    audio = [frame for frame in down if isinstance(frame, TTSAudioRawFrame)]
    kinds = [type(frame) for frame in down]

    assert {(24_000, 1)} == {(frame.sample_rate, frame.num_channels) for frame in audio}
    assert sum(len(frame.audio) for frame in audio) / 48_000 == pytest.approx(seconds(original), abs=0.1)
    assert kinds.index(TTSStartedFrame) < kinds.index(TTSAudioRawFrame) < kinds.index(TTSStoppedFrame)
    assert LINE in [frame.text for frame in down if isinstance(frame, AggregatedTextFrame)]
    assert [frame for frame in up if isinstance(frame, ErrorFrame)] == []
    assert speech.engine_name == engine.name
    assert speech.label == engine.label


class Counting:
    """A voice that counts what it is asked. Implements `Synthesiser`."""

    name = "counting"
    label = "a voice that counts"

    def __init__(self, problem=None):
        self.asked = []
        self.problem = problem

    async def speak(self, text, voice, pace):
        """A kilobyte a sentence."""
        self.asked.append(text)
        if self.problem:
            raise VoiceUnavailable(self.problem)
        return Speech(bytes(1_000), 16_000)


async def test_a_sentence_is_synthesised_once():
    """R-044: what was said before is not computed again, unless voice or pace differ."""
    cache, voice = Cache(10_000), Counting()
    for asked in [(Voice.WARM, Pace.SLOW), (Voice.WARM, Pace.SLOW), (Voice.DEEP, Pace.SLOW), (Voice.DEEP, Pace.FAST)]:
        await cache.speak(voice, "Welcome.", *asked)

    assert len(voice.asked) == 3


async def test_the_cache_forgets_what_was_used_longest_ago():
    """R-044: bounded by bytes, so a long day of interviews costs no more memory than a short one."""
    cache, voice = Cache(3_000), Counting()
    for text in ["a", "b", "c", "a", "d", "a", "b"]:
        await cache.speak(voice, text, Voice.WARM, Pace.SLOW)

    assert voice.asked == ["a", "b", "c", "d", "b"]


async def test_an_engine_that_fails_is_reported_in_words():
    """R-044: the call goes on; the error is a sentence and holds nothing of what was to be said."""
    speech = LocalSpeech(Counting("flite took too long; set PREPKIT_SPEECH to espeak."), Voice.WARM, Pace.SLOW)
    _, up = await run_test(speech, frames_to_send=[TTSSpeakFrame("My secret.")], start_timeout=20)
    errors = [frame.error for frame in up if isinstance(frame, ErrorFrame)]

    assert "flite took too long; set PREPKIT_SPEECH to espeak." in errors
    assert "secret" not in " ".join(errors)


def program(folder, text):
    """An executable named flite."""
    path = folder / "flite"
    path.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(("text", "words"), [("exit 3", "exit code 3"), ("exit 0", "wrote no audio")])
async def test_a_flite_that_fails_is_said_in_words(text, words, tmp_path, monkeypatch):
    """R-044: an exit code, or no audio at all, is a sentence with the way out."""
    program(tmp_path, text)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(VoiceUnavailable, match=words):
        await Flite().speak(LINE, Voice.NEUTRAL, Pace.MODERATE)


async def test_no_flite_at_all_is_said_in_words(tmp_path, monkeypatch):
    """R-044: uninstalled while the server runs."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(VoiceUnavailable, match="could not be run"):
        await Flite().speak(LINE, Voice.NEUTRAL, Pace.MODERATE)


async def test_a_flite_nobody_waits_for_is_ended(tmp_path, monkeypatch):
    """R-044: the call ends while a sentence is being made; its process does not stay."""
    program(tmp_path, f"echo $$ > {tmp_path}/pid; exec {shutil.which('sleep')} 60")
    monkeypatch.setenv("PATH", str(tmp_path))
    speaking = asyncio.create_task(Flite().speak(LINE, Voice.NEUTRAL, Pace.MODERATE))
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)

    speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_text_for_flite_is_ascii():
    """R-044: typographic marks become their plain forms, accents fall off, the rest is left out."""
    assert plain_text("it\u2019s a \u201ccaf\u00e9\u201d \u2014 r\u00e9sum\u00e9\u2026 \u65e5") == b'it\'s a "cafe" ,  resume... '


def test_a_wav_may_carry_other_chunks():
    """R-044: only format and samples matter; a file without samples is no speech."""
    form = b"fmt " + (16).to_bytes(4, "little") + b"\x01\0\x01\0" + (8_000).to_bytes(4, "little") + bytes(8)
    odd = b"LIST" + (3).to_bytes(4, "little") + b"abc\0"
    data = b"data" + (4).to_bytes(4, "little") + b"\1\0\2\0"

    assert read_wav(b"RIFF\0\0\0\0WAVE" + form + odd + data) == Speech(b"\1\0\2\0", 8_000)
    with pytest.raises(VoiceUnavailable):
        read_wav(b"RIFF\0\0\0\0WAVE" + form)
