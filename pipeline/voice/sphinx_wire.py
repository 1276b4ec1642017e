"""The pipe between a call and its recogniser process: which messages there are and how they are framed.

Both ends import this file and nothing heavier. A frame is one kind byte, a four byte length and that many bytes. Positions are samples of
16 kHz mono counted from the start of their utterance. Read next: `sphinx_worker` (the child's side), `sphinx_child` (ours).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

RATE = 16_000
"""Hertz; the acoustic model knows no other."""
BYTES_PER_SECOND = RATE * 2
HEADER = struct.Struct("!cI")

BEGIN = b"B"
"""To the child: an utterance begins. `{id, at}`; `at` is where its audio starts (not zero when it is told again after a crash)."""
AUDIO = b"A"
"""To the child: signed 16 bit little-endian samples of the open utterance."""
END = b"E"
"""To the child: the utterance is over."""

READY = b"R"
"""To us: the model is loaded. `{phrases}`: how many it was taught."""
HEARD = b"H"
"""To us, each half second of audio: `{id, at, text}`; `text` is null when the child is behind and saves its breath."""
PIECE = b"P"
"""To us: a finished piece. `{id, at, text, start, end, last}`; `at` is how far the utterance is done, `start`/`end` its words' own bounds."""
FAILED = b"X"
"""To us: the child cannot work. `{reason}`, a sentence."""


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(kind, len(payload)) + payload


def pack_json(kind: bytes, **fields: Any) -> bytes:
    """One frame whose payload is a JSON object."""
    return pack(kind, json.dumps(fields, separators=(",", ":")).encode())


class Unpacker:
    """Bytes in, frames out; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take bytes as they came; yields each (kind, payload) they complete."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if len(self._buffer) < HEADER.size + length:
                return
            payload = bytes(self._buffer[HEADER.size : HEADER.size + length])
            del self._buffer[: HEADER.size + length]
            yield kind, payload
