"""When the recogniser's process misbehaves: each way it can, with a stand-in library in that process (R-041)."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pipecat.frames.frames import VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame

from pipeline.voice import sphinx_wire as wire
from pipeline.voice.sphinx import PocketSphinxSTT
from pipeline.voice.sphinx_child import SphinxChild

from .hearing import hearing, silence

ROOT = Path(__file__).parents[3]
SPEECH = silence(2.0)

LIBRARY = """
import os, sys, time
class Hypothesis:
    def __init__(self, text): self.hypstr = text
class Segment:
    def __init__(self, word, start, end): self.word, self.start_frame, self.end_frame = word, start, end
class Decoder:
    def __init__(self, **_): self.heard = 0
    def start_utt(self): self.heard = 0
    def end_utt(self): pass
    def hyp(self): return Hypothesis(f"{self.heard // 8000} halves")
    def seg(self): return [Segment("<s>", 0, 9), Segment("halves", 10, 19), Segment("</s>", 20, 29)]
    def process_raw(self, pcm):
        self.heard += len(pcm) // 2
        HERE
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Give the process a library of our own; returns what writes it."""

    def write(here="pass", text=LIBRARY):
        (tmp_path / "pocketsphinx.py").write_text(textwrap.dedent(text).replace("HERE", here))

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return write


def plain(**options):
    """A recogniser without our vocabulary, which the stand-in has no place for."""
    return PocketSphinxSTT(plain=True, **options)


async def test_words_carry_their_own_bounds(library):
    """R-058: a final's span is its first and last word's, in milliseconds of audio fed, fillers left out."""
    library()
    async with hearing(plain()) as heard:
        await heard.feed(silence(1.2), speed=None)
        await heard.send(VADUserStartedSpeakingFrame(start_secs=0.2, timestamp=time.time() + 60))  # never late
        await heard.feed(SPEECH, speed=None)
        await heard.send(VADUserStoppedSpeakingFrame(stop_secs=0.2))
        final = await heard.last_final()

    # Found 1.2 s into the stream; 0.6 s of pre-roll reach back to 0.6 s, and the first word lies 0.1 s into that.
    assert {k: final.result[k] for k in ("start_offset_ms", "duration_ms")} == {"start_offset_ms": 700, "duration_ms": 100}
    assert final.text == "5 halves"


async def test_a_silent_rest_does_not_hide_the_end(library):
    """R-041: speech cut at the pause it ends with: its words are the finalized ones, since turn taking waits for those."""
    quiet_rest = LIBRARY.replace('f"{self.heard // 8000} halves"', '"words" if self.heard > 80000 else ""')
    library(text=quiet_rest)
    loud = struct.pack("<h", 8000) * 13 * 16_000
    async with hearing(plain()) as heard:
        await heard.utter(loud + silence(0.3), speed=None)
        await heard.last_final()
        await asyncio.sleep(0.2)

    assert [("words", True, True)] == [(frame.text, frame.finalized, frame.result["last"]) for frame in heard.finals]


async def test_a_missing_package_is_said_in_words(library):
    """R-041: a recogniser that cannot start is reported once, permanently, with what to do instead; the call goes on."""
    library(text="raise ImportError('libsphinx is not here')")
    stt = plain()
    async with hearing(stt) as heard:
        await heard.until(lambda: bool(heard.errors))
        await heard.utter(SPEECH, speed=None)
        await asyncio.sleep(0.2)
        usable, waiting = stt.is_usable, stt.waiting_secs

    assert [error.error for error in heard.errors] == [
        "Speech recognition could not be started on this machine; please type your answers. (ImportError: libsphinx is not here)"
    ]
    assert not usable
    assert waiting == 0


@pytest.mark.parametrize("here", ["os._exit(3)", "int('bad')", "os.kill(os.getpid(), 9)"])
async def test_audio_that_kills_twice_is_given_up_and_the_next_is_heard(library, tmp_path, here):
    """R-041: an utterance is told again once; then it is given up in plain words, and the next one is recognised."""
    library(f"os.path.exists({str(tmp_path / 'well')!r}) or {here}")
    async with hearing(plain()) as heard:
        await heard.utter(SPEECH, speed=None)
        await heard.until(lambda: bool(heard.errors))
        (tmp_path / "well").touch()
        await heard.utter(SPEECH, speed=None)
        final = await heard.last_final(1)

    assert len(heard.errors) == 1
    assert "stopped twice" in heard.errors[0].error
    assert final.finalized


async def test_a_process_that_hangs_is_replaced(library, tmp_path):
    """R-041: no sign of life although there is audio: ended, and the utterance is told to another."""
    library(f"os.path.exists({str(tmp_path / 'well')!r}) or (open({str(tmp_path / 'well')!r}, 'w'), time.sleep(60))")
    async with hearing(plain(patience_secs=1.0)) as heard:
        await heard.utter(SPEECH, speed=None)
        final = await heard.last_final()

    assert final.text == "4 halves"
    assert heard.errors == []


async def test_a_process_that_dies_idle_is_replaced_when_it_is_needed(library):
    """R-041: killed between two utterances; nobody notices."""
    library()
    stt = plain()
    async with hearing(stt) as heard:
        await heard.utter(SPEECH, speed=None)
        await heard.last_final()
        os.kill(stt.worker_pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
        await heard.utter(SPEECH, speed=None)
        final = await heard.last_final(1)

    assert final.finalized
    assert heard.errors == []


async def test_silence_of_the_network_is_not_taken_for_a_hang(library):
    """R-041: voice activity lasts while no audio comes; the process is left alone."""
    library()
    stt = plain(patience_secs=0.5)
    async with hearing(stt) as heard:
        await heard.feed(SPEECH[:16_000], speed=None)
        utterance = asyncio.create_task(heard.utter(SPEECH, speed=0.5))
        await heard.until(lambda: bool(heard.interims))
        pid = stt.worker_pid
        await asyncio.sleep(1.5)
        same = stt.worker_pid == pid
        await utterance
        await heard.last_final()

    assert same


async def test_the_process_ends_when_its_input_does():
    """R-041: end of input is the order to leave, even before the model is loaded."""
    child = await SphinxChild.start(plain=True)
    await child.close()

    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_the_process_does_not_outlive_a_killed_parent():
    """R-041: a server that is killed leaves no recogniser behind."""
    code = f"""
        import asyncio, sys
        sys.path.insert(0, {str(ROOT)!r})
        from pipeline.voice.sphinx_child import SphinxChild
        async def main():
            child = await SphinxChild.start(plain=True)
            print(child.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert time.monotonic() < deadline


async def test_a_message_is_heard_in_whatever_pieces_it_comes():
    """The pipe keeps no message boundaries; the unpacker does."""
    stream = wire.pack_json(wire.BEGIN, id=1, at=0) + wire.pack(wire.AUDIO, b"\x00\x01" * 5) + wire.pack(wire.END)
    expected = list(wire.Unpacker().feed(stream))
    unpacker = wire.Unpacker()

    assert expected == [message for n in range(len(stream)) for message in unpacker.feed(stream[n : n + 1])]
    assert [kind for kind, _ in expected] == [wire.BEGIN, wire.AUDIO, wire.END]
