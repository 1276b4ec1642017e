"""Recordings in a folder, encrypted at rest: playable at any moment, whole after a crash (R-053, R-112, C-21, P4).

Two channels of PCM16 at 16 kHz, candidate left. What is stored is the samples, sealed with the session's key a quarter of a second at a time; the WAV header is made when
somebody listens. A kill loses no more than such a piece, and reopening goes on behind it. Plain WAV files of older versions are read as they are until `encrypt_old` has gone
through. Read next: `sealing` (the format), `keys`, `pipeline.recorder`, which feeds it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.errors import NotFound
from bridge.ports import RecordingFile

from .columns import as_uuid
from .keys import SessionKeys
from .sealing import Blob, FileBlob, Seal, SealedReader, SealedWriter

SAMPLE_RATE = 16_000
FRAME_BYTES = 4
"""One 16-bit sample of each channel."""
BYTES_PER_SECOND = SAMPLE_RATE * FRAME_BYTES
HEADER_BYTES = 44
PIECE_BYTES = BYTES_PER_SECOND // 4
"""A recording is sealed in pieces of a quarter of a second."""
COPY_BYTES = 1024 * 1024
SUFFIX = "sealed"
MEDIA = {"mp3": "audio/mpeg", "wav": "audio/wav"}
SUFFIXES = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
_MAX_SIZE = 0xFFFF_FFFF
"""What a WAV header can say; beyond it (18 hours) players read to the end of the file."""


class Plain:
    """A file of an older version, as it is."""

    def __init__(self, path: Path) -> None:
        self._blob: Blob = FileBlob(path)
        self.media_type = "audio/wav"
        self.size = self._blob.size

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end."""
        return self._blob.read(start, max(0, min(stop, self.size) - start))

    def close(self) -> None:
        """Close it."""
        self._blob.close()


class Samples(Protocol):
    """The samples of a recording, whatever they are read from."""

    size: int
    """Bytes."""

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end. Raises CannotDecrypt."""

    def close(self) -> None:
        """Let go of them."""


class Wav:
    """Sealed samples as a WAV file."""

    media_type = "audio/wav"

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        data = samples.size - samples.size % FRAME_BYTES
        self._header = wav_header(data)
        self.size = HEADER_BYTES + data

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end. Raises CannotDecrypt."""
        stop = min(stop, self.size)
        head = self._header[start:stop]
        return head + self._samples.read(max(0, start - HEADER_BYTES), max(0, stop - HEADER_BYTES))

    def close(self) -> None:
        """Close it."""
        self._samples.close()


@dataclass(frozen=True)
class Kept:
    """Sealed bytes as they came from a vendor."""

    _reader: SealedReader
    media_type: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self._reader.size

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end. Raises CannotDecrypt."""
        return self._reader.read(start, stop)

    def close(self) -> None:
        """Close it."""
        self._reader.close()


class FolderRecordings:
    """Implements `bridge.ports.RecordingStore` on a folder of this machine. Its methods block: call them from a thread."""

    def __init__(self, folder: Path, keys: SessionKeys) -> None:
        self._folder = folder
        self.keys = keys
        self._growing: dict[str, RecordingWriter] = {}

    def open(self, session_id: str, at_ms: int = 0) -> RecordingFile:
        """Open for appending, behind what is there. Raises NotFound when `session_id` is no UUID: it names a file; CannotDecrypt without its key.

        While a recording is open the same file is given again, so that a leg that replaces another goes on where it is; it
        closes with the last of them.
        """
        known = known_session(session_id)
        file = self._growing.get(known)
        if file is None or file.closed:
            self._make_folder()
            if self._old(known).is_file():
                self._encrypt(known)
            file = self._growing[known] = RecordingWriter(
                self._ours(known), self._seal(known, self.keys.make(known), "recording")
            )
        file.users += 1
        self._growing = {name: writer for name, writer in self._growing.items() if not writer.closed}
        return file

    def find(self, session_id: str) -> Plain | Wav | None:
        """The finished or growing recording as it is at this moment, or None. Raises CannotDecrypt. Close it."""
        known = as_uuid(session_id)
        if known is None:
            return None
        try:
            blob = FileBlob(self._ours(known))
        except OSError:
            old = self._old(known)
            return Plain(old) if old.is_file() and not old.is_symlink() else None
        key = self.keys.get(known)
        if key is None:
            # Its key was destroyed: it is no recording any more.
            blob.close()
            return None
        return Wav(SealedReader(blob, self._seal(known, key, "recording")))

    def has(self, session_id: str) -> bool:
        """Whether there is something to listen to."""
        known = as_uuid(session_id)
        return known is not None and (self._ours(known).is_file() or self._old(known).is_file())

    def vendor_copies(self, session_id: str) -> list[Kept]:
        """Vendors' recordings of the session's calls that are kept here. Close each."""
        known = as_uuid(session_id)
        key = self.keys.get(known) if known else None
        if known is None or key is None:
            return []
        found = []
        for label, blob in self._vendor_blobs(known):
            media = MEDIA.get(label.rpartition(".")[2], "application/octet-stream")
            found.append(Kept(SealedReader(blob, self._seal(known, key, label)), media))
        return found

    def _vendor_blobs(self, known: str) -> list[tuple[str, Blob]]:
        """(label, where it lies) of the vendors' recordings."""
        paths = sorted(self._folder.glob(f"{known}.*.vendor.*.{SUFFIX}"))
        return [(path.name.removesuffix(f".{SUFFIX}").removeprefix(f"{known}."), FileBlob(path)) for path in paths]

    def delete(self, session_id: str) -> bool:
        """Destroy its key, so that no copy anywhere can be played, then remove the files; True when there was anything."""
        known = as_uuid(session_id)
        if known is None:
            return False
        existed = self.keys.destroy(known)
        for file in self._folder.glob(f"{known}.*"):
            file.unlink(missing_ok=True)
            existed = True
        return existed

    def keep_vendor(self, session_id: str, call_id: str, file: Path, media_type: str) -> None:
        """Take over a vendor's recording; a repeat replaces it. Raises NotFound when `session_id` is no UUID."""
        known = known_session(session_id)
        label = f"{hashlib.sha256(call_id.encode()).hexdigest()[:16]}.vendor.{SUFFIXES.get(media_type, 'audio')}"
        self._make_folder()
        self._take(file, f"{known}.{label}.{SUFFIX}", self._seal(known, self.keys.make(known), label))

    def encrypt_old(self) -> int:
        """Encrypt the plain files that an older version left, one after the other; returns how many. Safe to repeat."""
        done = 0
        for path in sorted(self._folder.glob("*.wav")):
            known = as_uuid(path.stem)
            if known is not None and not path.is_symlink() and known not in self._growing:
                self._encrypt(known)
                done += 1
        for path in sorted(self._folder.glob("*.vendor.*")):
            known = as_uuid(path.name.split(".")[0])
            if known is not None and path.suffix not in (f".{SUFFIX}", ".part") and not path.is_symlink():
                label = path.name.removeprefix(f"{known}.")
                self._take(path, f"{path.name}.{SUFFIX}", self._seal(known, self.keys.make(known), label))
                path.unlink()
                done += 1
        return done

    def _encrypt(self, known: str) -> None:
        """A plain WAV file: its samples sealed beside it, then the plain one goes. After a kill in between the sealed one counts."""
        old = self._old(known)
        if not self._ours(known).is_file():
            self._take(
                old, self._ours(known).name, self._seal(known, self.keys.make(known), "recording"), HEADER_BYTES, PIECE_BYTES
            )
        old.unlink(missing_ok=True)

    def _take(self, file: Path, name: str, seal: Seal, skip: int = 0, chunk_bytes: int = COPY_BYTES) -> None:
        # Beside it first: a crash must not leave half a file under its name.
        draft = self._folder / f"{name}.part"
        draft.unlink(missing_ok=True)
        writer = SealedWriter(draft, seal, chunk_bytes=chunk_bytes)
        try:
            for piece in _pieces(file, skip):
                writer.append(piece)
        finally:
            writer.close()
        draft.replace(self._folder / name)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @staticmethod
    def _seal(known: str, key: bytes, label: str) -> Seal:
        return Seal(key, f"{known}/{label}")

    def _ours(self, known: str) -> Path:
        return self._folder / f"{known}.{SUFFIX}"

    def _old(self, known: str) -> Path:
        return self._folder / f"{known}.wav"


class RecordingWriter:
    """Implements `bridge.ports.RecordingFile`: growing samples."""

    def __init__(self, path: Path, seal: Seal) -> None:
        self.users = 0
        """How many have it open."""
        self._writer = SealedWriter(path, seal, chunk_bytes=PIECE_BYTES)
        self.closed = False
        """Whether the last user has closed it."""
        if torn := self._writer.size % FRAME_BYTES:
            self._writer.append(bytes(FRAME_BYTES - torn))

    @property
    def duration_ms(self) -> int:
        """Milliseconds taken so far."""
        return self._writer.size * 1000 // BYTES_PER_SECOND

    def append(self, frames: bytes) -> None:
        """Append interleaved 16-bit stereo frames. Raises ValueError for a torn frame or a closed file."""
        if self.closed:
            raise ValueError("the recording is closed")
        if len(frames) % FRAME_BYTES:
            raise ValueError("a stereo frame of 16-bit samples has 4 bytes")
        self._writer.append(frames)

    def close(self) -> None:
        """Write the rest and close, when no one else has it open; a repeat does nothing."""
        self.users = max(0, self.users - 1)
        if self.users == 0 and not self.closed:
            self.closed = True
            self._writer.close()


def wav_header(data: int) -> bytes:
    """The header of a WAV file with so many bytes of our samples."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", min(data + HEADER_BYTES - 8, _MAX_SIZE), b"WAVE",
        b"fmt ", 16, 1, 2, SAMPLE_RATE, BYTES_PER_SECOND, FRAME_BYTES, 16,
        b"data", min(data, _MAX_SIZE),
    )  # fmt: skip


def known_session(session_id: str) -> str:
    """The session id as it stands in names of files. Raises NotFound when it is no UUID."""
    known = as_uuid(session_id)
    if known is None:
        raise NotFound("There is no such interview.")
    return known


def _pieces(file: Path, skip: int) -> Iterator[bytes]:
    with file.open("rb") as source:
        source.seek(skip)
        while piece := source.read(COPY_BYTES):
            yield piece
