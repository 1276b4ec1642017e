"""The recogniser's own process: PocketSphinx behind a pipe, because one decode call holds the GIL for a second and more.

Run as `python -m pipeline.voice.sphinx_worker`; speaks `sphinx_wire` on its standard input and output and ends when its input does. Decides
where a long utterance is cut: from `CUT_FROM_S` on at a quiet point, and what counts as quiet grows until at `CUT_BY_S` anything does, so
finals come while someone talks and no search grows without bound. Imports neither pipecat nor numpy. Read next: `sphinx_phrases`,
what it is taught.
"""

from __future__ import annotations

import argparse
import array
import fcntl
import json
import math
import os
import struct
import sys
import termios
from collections.abc import Iterator
from importlib import resources
from typing import Any

from . import sphinx_phrases
from . import sphinx_wire as wire

NICENESS = 5
BLOCK = wire.RATE // 10
"""Samples handed to the decoder at a time (100 ms)."""
REPORT_BLOCKS = 5
"""Blocks between two reports (0.5 s)."""
CUT_FROM_S = 12.0
CUT_BY_S = 28.0
QUIET_SHARE = 0.15
"""At `CUT_FROM_S` a block under this share of the utterance's usual loudness is a quiet point."""
FRAME = wire.RATE // 100
"""Samples in one of the decoder's frames (10 ms)."""
BEHIND_S = 0.5
"""Audio waiting in the pipe from which on no partial is looked up."""


def pronunciations(text: str) -> Iterator[tuple[str, str]]:
    """(word, phones) of a pronunciation file; `#` starts a comment, a repeated word is one more way to say it."""
    seen: dict[str, int] = {}
    for line in text.splitlines():
        word, _, phones = line.partition("#")[0].strip().partition(" ")
        if phones:
            seen[word] = seen.get(word, 0) + 1
            yield word if seen[word] == 1 else f"{word}({seen[word]})", phones.strip()


def loudness(block: bytes) -> float:
    """Root mean square of every fourth sample; enough to tell a pause from a word."""
    samples = array.array("h", block[: len(block) // 2 * 2])[::4]
    return math.sqrt(sum(s * s for s in samples) / len(samples)) if samples else 0.0


def quiet_enough(seconds: float, now: float, usual: float) -> bool:
    """Whether a piece this long may be cut at a block this loud."""
    if seconds < CUT_FROM_S:
        return False
    waited = (seconds - CUT_FROM_S) / (CUT_BY_S - CUT_FROM_S)
    return waited >= 1 or now <= usual * (QUIET_SHARE + (1 - QUIET_SHARE) * waited**2)


class Dictation:
    """One utterance after another through one decoder; `out` takes each message."""

    def __init__(self, decoder: Any, out: Any) -> None:
        self._decoder = decoder
        self._out = out
        self._id = -1
        self._open = False
        self._buffer = bytearray()
        self._at = 0
        """Samples of this utterance taken by the decoder."""
        self._piece_at = 0
        """Where the open piece began."""
        self._blocks = 0
        self._usual = 0.0

    def begin(self, utterance: int, at: int) -> None:
        """Open an utterance whose audio starts `at` samples in."""
        self._id, self._at, self._usual = utterance, at, 0.0
        self._buffer.clear()
        self._start_piece()

    def audio(self, pcm: bytes, behind: bool) -> None:
        """Take samples; `behind` says that more are waiting already."""
        if not self._open:
            return
        self._buffer += pcm
        while len(self._buffer) >= BLOCK * 2:
            block = bytes(self._buffer[: BLOCK * 2])
            del self._buffer[: BLOCK * 2]
            self._decode(block)
            self._after_block(loudness(block), behind)

    def end(self) -> None:
        """Close the utterance; its last piece goes out even when it holds no word."""
        if self._open:
            if self._buffer:
                self._decode(bytes(self._buffer))
                self._buffer.clear()
            self._finish_piece(last=True)

    def _decode(self, block: bytes) -> None:
        self._decoder.process_raw(block)
        self._at += len(block) // 2

    def _after_block(self, now: float, behind: bool) -> None:
        self._blocks += 1
        self._usual = now if self._usual == 0 else max(now, self._usual * 0.98)
        if quiet_enough((self._at - self._piece_at) / wire.RATE, now, self._usual):
            self._finish_piece(last=False)
            self._start_piece()
        elif self._blocks % REPORT_BLOCKS == 0:
            text = None if behind else self._words()
            self._out(wire.pack_json(wire.HEARD, id=self._id, at=self._at, text=text))

    def _start_piece(self) -> None:
        self._piece_at, self._blocks, self._open = self._at, 0, True
        self._decoder.start_utt()

    def _finish_piece(self, *, last: bool) -> None:
        self._decoder.end_utt()
        text = self._words()
        spoken = [s for s in (self._decoder.seg() or ()) if s.word[:1] not in "<[+"] if text else []
        start = self._piece_at + (spoken[0].start_frame * FRAME if spoken else 0)
        end = self._piece_at + ((spoken[-1].end_frame + 1) * FRAME if spoken else 0)
        self._open = False
        self._out(wire.pack_json(wire.PIECE, id=self._id, at=self._at, text=text, start=start, end=min(end, self._at), last=last))

    def _words(self) -> str:
        hypothesis = self._decoder.hyp()
        return sphinx_phrases.speakable(hypothesis.hypstr) if hypothesis else ""


def load(plain: bool) -> tuple[Any, int]:
    """The decoder with the bundled English model, and how many phrases it was taught."""
    import pocketsphinx  # noqa: PLC0415 - an extra; without it `main` says so in a sentence

    decoder = pocketsphinx.Decoder(samprate=wire.RATE, loglevel="FATAL")
    if plain:
        return decoder, 0
    for word, phones in pronunciations(resources.files(__package__).joinpath("pronunciations.txt").read_text(encoding="utf-8")):
        decoder.add_word(word, phones, update=False)
    phrases = sphinx_phrases.worth_teaching(decoder, sphinx_phrases.bank_texts())
    model = decoder.get_lm(decoder.current_search())
    for n, (name, phones, weight) in enumerate(phrases, 1):
        model.add_word(name, weight)
        decoder.add_word(name, phones, update=n == len(phrases))  # the search is rebuilt once, for all of them
    return decoder, len(phrases)


def behind() -> bool:
    """Whether so much audio waits in the pipe that time should go into decoding only."""
    waiting = struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, b"\0\0\0\0"))[0]
    return bool(waiting > BEHIND_S * wire.BYTES_PER_SECOND)


def main() -> int:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plain", action="store_true", help="the bundled dictionary only")
    options = parser.parse_args()
    os.nice(NICENESS)
    pipe = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not land between two frames

    def out(frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(pipe, view) :]

    try:
        decoder, phrases = load(options.plain)
    except (ImportError, RuntimeError, OSError, ValueError) as error:
        out(wire.pack_json(wire.FAILED, reason=f"{type(error).__name__}: {error}"))
        return 1
    out(wire.pack_json(wire.READY, phrases=phrases))
    dictation, unpacker = Dictation(decoder, out), wire.Unpacker()
    while data := os.read(0, 1 << 16):
        for kind, payload in unpacker.feed(data):
            if kind == wire.AUDIO:
                dictation.audio(payload, behind=behind())
            elif kind == wire.BEGIN:
                begin = json.loads(payload)
                dictation.begin(begin["id"], begin["at"])
            elif kind == wire.END:
                dictation.end()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)  # the parent is gone, or is being stopped from the same terminal
