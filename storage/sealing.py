"""Files encrypted in chunks with AES-256-GCM: appended to while they grow, whole after a kill, read from any byte on (R-112, P4).

    header   magic 8 · size of a chunk 4 (big endian) · proof of the key 28
    chunk n  nonce 12 · ciphertext · tag 16, at header + n × (size + 28)

Only the last chunk may be short. Its place (n) and the file's label are authenticated, so chunks can be neither moved nor taken from another file. A chunk is sealed with a
fresh random nonce each time. The proof is an empty message: a wrong key is told from damage before any audio is looked at. Read next: `keys`, `recordings`.
"""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import CannotDecrypt

MAGIC = b"PKSEAL1\n"
NONCE_BYTES = 12
OVERHEAD = NONCE_BYTES + 16
"""What sealing adds to a chunk."""
HEADER_BYTES = len(MAGIC) + 4 + OVERHEAD
CHUNK_BYTES = 64 * 1024
MAX_CHUNK_BYTES = 16 * 1024 * 1024
_PROOF = 2**64 - 1
"""The place of the proof: no file has so many chunks."""
WRONG_KEY = "This file was encrypted with another key. Give the server the master key it had when the file was made."
DAMAGED = "A part of this file is damaged or was exchanged, so it cannot be decrypted."


class Blob(Protocol):
    """Stored bytes that can be read from any place: a file, an object of a store."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on."""

    def close(self) -> None:
        """Let go of it."""


class FileBlob:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)

    @property
    def size(self) -> int:
        """Bytes at this moment."""
        return os.fstat(self._fd).st_size

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on."""
        return os.pread(self._fd, count, start)

    def close(self) -> None:
        """Close it; a repeat does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Seal:
    """One key used for one file, which its label names."""

    def __init__(self, key: bytes, label: str) -> None:
        self._cipher = AESGCM(key)
        self._label = label.encode()

    def seal(self, place: int, plain: bytes) -> bytes:
        """Nonce, ciphertext, tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, struct.pack(">Q", place) + self._label)

    def unseal(self, place: int, sealed: bytes) -> bytes | None:
        """What was sealed at this place, or None when it was not, or not whole."""
        if len(sealed) < OVERHEAD:
            return None
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], struct.pack(">Q", place) + self._label)
        except InvalidTag:
            return None

    def header(self, chunk_bytes: int) -> bytes:
        """What a file begins with."""
        return MAGIC + struct.pack(">I", chunk_bytes) + self.seal(_PROOF, b"")

    def chunk_bytes(self, header: bytes) -> int:
        """Size of the chunks of the file that begins so. Raises CannotDecrypt for another key or another kind of file."""
        if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
            raise CannotDecrypt(DAMAGED)
        if self.unseal(_PROOF, header[len(MAGIC) + 4 : HEADER_BYTES]) is None:
            raise CannotDecrypt(WRONG_KEY)
        (size,) = struct.unpack(">I", header[len(MAGIC) : len(MAGIC) + 4])
        if not 0 < size <= MAX_CHUNK_BYTES:
            raise CannotDecrypt(DAMAGED)
        return int(size)


class SealedReader:
    """The plain bytes of a sealed file, as many as were whole when it was opened. Raises CannotDecrypt."""

    def __init__(self, blob: Blob, seal: Seal) -> None:
        self._blob, self._seal = blob, seal
        with ExitStack() as undo:
            undo.callback(blob.close)
            self._chunk = seal.chunk_bytes(blob.read(0, HEADER_BYTES))
            self.size = self._whole()
            undo.pop_all()

    def _whole(self) -> int:
        """Only the end may be torn, by a kill or by a writer at this moment: it is then left out."""
        stride = self._chunk + OVERHEAD
        full, rest = divmod(max(0, self._blob.size - HEADER_BYTES), stride)
        if rest > OVERHEAD:
            tail = self._seal.unseal(full, self._blob.read(HEADER_BYTES + full * stride, rest))
            if tail is not None:
                return full * self._chunk + len(tail)
        if full and self._plain(full - 1) is None:
            full -= 1
        return full * self._chunk

    def _plain(self, place: int) -> bytes | None:
        stride = self._chunk + OVERHEAD
        return self._seal.unseal(place, self._blob.read(HEADER_BYTES + place * stride, stride))

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end; only the chunks they lie in are decrypted. Raises CannotDecrypt."""
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        first, last = start // self._chunk, (stop - 1) // self._chunk
        parts = []
        for place in range(first, last + 1):
            plain = self._plain(place)
            if plain is None:
                # The short last chunk may have grown since.
                raise CannotDecrypt(DAMAGED)
            parts.append(plain)
        offset = first * self._chunk
        return b"".join(parts)[start - offset : stop - offset]

    def close(self) -> None:
        """Let go of the file."""
        self._blob.close()


class SealedWriter:
    """Appends to a sealed file, made when missing; a torn end is cut off first. Whole chunks are written as they fill, the rest at `close`."""

    def __init__(self, path: Path, seal: Seal, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._seal = seal
        self._pending = bytearray()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with ExitStack() as undo:
            undo.callback(os.close, self._fd)
            self._begin(chunk_bytes)
            undo.pop_all()

    def _begin(self, chunk_bytes: int) -> None:
        size = os.fstat(self._fd).st_size
        if size < HEADER_BYTES:
            self._chunk, self._full = chunk_bytes, 0
            os.ftruncate(self._fd, 0)
            self._write(0, self._seal.header(chunk_bytes))
            return
        self._chunk = self._seal.chunk_bytes(os.pread(self._fd, HEADER_BYTES, 0))
        stride = self._chunk + OVERHEAD
        self._full, rest = divmod(size - HEADER_BYTES, stride)
        tail = self._seal.unseal(self._full, os.pread(self._fd, rest, HEADER_BYTES + self._full * stride)) if rest else None
        if tail is None and self._full:
            last = os.pread(self._fd, stride, HEADER_BYTES + (self._full - 1) * stride)
            if self._seal.unseal(self._full - 1, last) is None:
                self._full -= 1
        # The short chunk stays until its longer self is written over it.
        self._pending += tail or b""
        os.ftruncate(self._fd, HEADER_BYTES + self._full * stride + (len(tail) + OVERHEAD if tail else 0))

    @property
    def size(self) -> int:
        """Plain bytes taken so far, in the file or waiting."""
        return self._full * self._chunk + len(self._pending)

    def append(self, plain: bytes) -> None:
        """Take bytes; every chunk they fill is in the file when this returns. Raises OSError when the disk refuses: nothing is lost then."""
        self._pending += plain
        while len(self._pending) >= self._chunk:
            self._put(bytes(self._pending[: self._chunk]))
            del self._pending[: self._chunk]
            self._full += 1

    def close(self) -> None:
        """Write the rest as a short chunk and close. A repeat does nothing."""
        if self._fd < 0:
            return
        try:
            if self._pending:
                self._put(bytes(self._pending))
        finally:
            os.close(self._fd)
            self._fd = -1

    def _put(self, plain: bytes) -> None:
        self._write(HEADER_BYTES + self._full * (self._chunk + OVERHEAD), self._seal.seal(self._full, plain))

    def _write(self, offset: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, offset)
            if written == 0:
                raise OSError("the disk took nothing")
            view, offset = view[written:], offset + written
