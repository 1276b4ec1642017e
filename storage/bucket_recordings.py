"""Recordings in an S3-compatible store: written to this machine's disk, carried up piece by piece, played from both (R-053, R-112).

A recording is a row of parts. Each begins at a sample of the call's clock that stands in its name, is sealed under that name and never written again once it is carried up, so
servers that hold a call one after the other need nothing of each other and a repeated upload changes nothing. Where parts overlap the later one counts, where none is there is
silence. A part is closed after a few minutes, and that much of a live call is lost at most when a server dies together with its disk.

    here   {session}.at{first sample}.{random}.sealed   locked as long as it grows; the lock dies with its process
    there  {prefix}/{session}/at{first sample}.{random}.sealed

The folder itself is the queue: whatever lies in it unlocked is carried up, after a kill by the next start. Files that an older setting left there go the same way.
Read next: `bucket`, `recordings`, `web.carrying`, which calls `carry`.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from loguru import logger

from bridge.errors import CannotDecrypt, RecordingsAway
from bridge.ports import RecordingFile

from .bucket import Bucket, ObjectBlob
from .columns import as_uuid
from .keys import SessionKeys
from .recordings import (
    BYTES_PER_SECOND,
    FRAME_BYTES,
    PIECE_BYTES,
    SAMPLE_RATE,
    SUFFIX,
    FolderRecordings,
    Plain,
    Wav,
    known_session,
)
from .sealing import HEADER_BYTES, OVERHEAD, Blob, FileBlob, Seal, SealedReader, SealedWriter

PART_SECONDS = 300
DRAFT_SECONDS = 60
"""A part that is older and was not given its name was being begun when its process was killed."""
PART = re.compile(rf"at(\d{{12}})\.[0-9a-f]{{16}}\.{SUFFIX}")


class BucketRecordings(FolderRecordings):
    """Implements `bridge.ports.RecordingStore` on a bucket, with a folder of this machine for what waits. Its methods block: call them from a thread."""

    def __init__(self, folder: Path, bucket: Bucket, keys: SessionKeys, *, part_seconds: int = PART_SECONDS) -> None:
        super().__init__(folder, keys)
        self._bucket = bucket
        self._part_bytes = part_seconds * BYTES_PER_SECOND
        self._open: dict[str, PartWriter] = {}
        self._told: set[str] = set()
        self.wake: Callable[[], None] = lambda: None
        """Called, from any thread, when something is there to be carried up."""

    def open(self, session_id: str, at_ms: int = 0) -> RecordingFile:
        """Open for appending, behind what is known of it. Raises NotFound for no UUID, CannotDecrypt without its key.

        While it is open the same file is given again; it closes with the last of them.
        """
        known = known_session(session_id)
        file = self._open.get(known)
        if file is None or file.closed:
            self._make_folder()
            if self._old(known).is_file():
                self._encrypt(known)
            key = self.keys.make(known)
            first = max(at_ms * SAMPLE_RATE // 1000, self._end(known, key, elsewhere=at_ms > 0))
            file = self._open[known] = PartWriter(
                self._folder, known, lambda label: self._seal(known, key, label), first, self._part_bytes, self._done
            )
        file.users += 1
        self._open = {name: writer for name, writer in self._open.items() if not writer.closed}
        return file

    def _done(self) -> None:
        self.wake()

    def _end(self, known: str, key: bytes, *, elsewhere: bool) -> int:
        """The sample behind the last that is known. A store that is away must not keep anybody from their call: the caller knows how far it is."""
        parts: list[Part] = []
        with suppress(RecordingsAway, CannotDecrypt):
            parts += self._here(known, key)
            for part in parts:
                part.close()
            parts += self._there(known, key) if elsewhere else []
        return max((part.first + part.size // FRAME_BYTES for part in parts), default=0)

    def find(self, session_id: str) -> Plain | Wav | None:
        """The finished or growing recording as it is at this moment, or None. Raises CannotDecrypt, RecordingsAway. Close it."""
        known = as_uuid(session_id)
        if known is None:
            return None
        key = self.keys.get(known)
        # What is here first: it goes from here only when it is there.
        parts = self._here(known, key) if key else []
        try:
            have = {part.name for part in parts}
            parts += [part for part in (self._there(known, key) if key else []) if part.name not in have]
        except RecordingsAway:
            for part in parts:
                part.close()
            raise
        if not parts:
            old = self._old(known)
            return Plain(old) if old.is_file() and not old.is_symlink() else None
        return Wav(Joined(parts))

    def has(self, session_id: str) -> bool:
        """Whether there is something to listen to; where the store is away there may be."""
        known = as_uuid(session_id)
        if known is None:
            return False
        if self._old(known).is_file() or any(_place(path.name.partition(".")[2]) is not None for path in self._waiting(known)):
            return True
        try:
            return any(_place(name.rpartition("/")[2]) is not None for name in self._bucket.sizes(known))
        except RecordingsAway:
            return True

    def delete(self, session_id: str) -> bool:
        """Destroy its key, so that no copy anywhere can be played, then remove files and objects; True when there was anything.

        Raises RecordingsAway when objects may be left: the key is gone then, and a repeat removes them. Another server that carries a part up at this moment, or has one
        waiting, finds the key gone and removes it.
        """
        existed = super().delete(session_id)
        known = as_uuid(session_id)
        for name in self._bucket.sizes(known) if known else ():
            self._bucket.delete(name)
            existed = True
        return existed

    def _vendor_blobs(self, known: str) -> list[tuple[str, Blob]]:
        found: dict[str, Blob] = {}
        for path in self._waiting(known):
            with suppress(FileNotFoundError):
                if ".vendor." in path.name:
                    found[path.name.partition(".")[2]] = FileBlob(path)
        for name, size in self._bucket.sizes(known).items():
            rest = name.rpartition("/")[2]
            if ".vendor." in rest and rest not in found:
                found[rest] = ObjectBlob(self._bucket, name, size)
        return [(rest.removesuffix(f".{SUFFIX}"), found[rest]) for rest in sorted(found)]

    # Parts ------------------------------------------------------------------------------------------------------------
    def _waiting(self, known: str) -> list[Path]:
        return sorted(self._folder.glob(f"{known}.*{SUFFIX}"))

    def _here(self, known: str, key: bytes) -> list[Part]:
        parts = []
        with ExitStack() as undo:
            for path in self._waiting(known):
                rest = path.name.partition(".")[2]
                first = _place(rest)
                if first is not None:
                    with suppress(FileNotFoundError):
                        reader = SealedReader(FileBlob(path), self._seal(known, key, _label(rest)))
                        undo.callback(reader.close)
                        parts.append(Part(rest, first, reader.size, reader))
            undo.pop_all()
        return parts

    def _there(self, known: str, key: bytes) -> list[Part]:
        parts = []
        for name, size in self._bucket.sizes(known).items():
            rest = name.rpartition("/")[2]
            first = _place(rest)
            if first is not None:
                blob = ObjectBlob(self._bucket, name, size)
                later = partial(SealedReader, blob, self._seal(known, key, _label(rest)))
                parts.append(Part(rest, first, _plain_size(size), later))
        return parts

    # Carrying up ------------------------------------------------------------------------------------------------------
    def carry(self, until: float | None = None) -> int:
        """Carry up what waits here and nobody writes; returns how many files. Ends at `until` of the monotonic clock. Raises RecordingsAway.

        Safe to kill at any moment and to run in many processes of this machine at once.
        """
        done = 0
        for draft in self._folder.glob(f"*.at*.{SUFFIX}.part"):
            with suppress(FileNotFoundError):
                if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                    draft.unlink()
        for path in sorted(self._folder.glob(f"*.{SUFFIX}")):
            if until is not None and time.monotonic() > until:
                break
            known = as_uuid(path.name.partition(".")[0])
            if known is None or path.is_symlink():
                continue
            with _alone(path) as ours:
                if ours:
                    done += self._carry(path, known)
        return done

    def _carry(self, path: Path, known: str) -> bool:
        rest = path.name.partition(".")[2]
        name = f"{known}/{rest}"
        try:
            key = self.keys.get(known)
            if key is not None and _place(rest) is not None and not _mend(path, self._seal(known, key, _label(rest))):
                path.unlink(missing_ok=True)
                return False
        except CannotDecrypt as error:
            # It stays here: carried up it would be no better, and the right key may come back.
            if path.name not in self._told:
                self._told.add(path.name)
                logger.error("A part of the recording of {} stays on this machine: {}", known, error.message)
            return False
        if key is not None:
            self._bucket.put(path, name)
        if key is None or self.keys.get(known) is None:
            # Erased, before or meanwhile.
            self._bucket.delete(name)
        path.unlink(missing_ok=True)
        return key is not None


class Part:
    """Some of a recording's samples, opened when they are first read."""

    def __init__(self, name: str, first: int, size: int, reader: SealedReader | Callable[[], SealedReader]) -> None:
        self.name, self.first, self.size = name, first, size
        self._reader = reader

    def read(self, start: int, stop: int) -> bytes:
        """Its bytes from `start` up to `stop`. Raises CannotDecrypt, RecordingsAway."""
        if not isinstance(self._reader, SealedReader):
            self._reader = self._reader()
        return self._reader.read(start, stop)

    def close(self) -> None:
        """Let go of it."""
        if isinstance(self._reader, SealedReader):
            self._reader.close()


class Joined:
    """Implements `recordings.Samples`: parts on the call's clock."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = sorted(parts, key=lambda part: (part.first, part.name))
        self.size = max(part.first * FRAME_BYTES + part.size for part in parts)

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end. Raises CannotDecrypt, RecordingsAway."""
        stop = min(stop, self.size)
        found = bytearray(max(0, stop - start))
        for n, part in enumerate(self._parts):
            begin = part.first * FRAME_BYTES
            later = [after.first * FRAME_BYTES for after in self._parts[n + 1 :] if after.size]
            low, high = max(start, begin), min([stop, begin + part.size, *later])
            if low < high:
                found[low - start : high - start] = part.read(low - begin, high - begin)
        return bytes(found)

    def close(self) -> None:
        """Let go of all parts."""
        for part in self._parts:
            part.close()


class PartWriter:
    """Implements `bridge.ports.RecordingFile`: samples into one part after the other."""

    def __init__(
        self, folder: Path, known: str, seal: Callable[[str], Seal], first: int, part_bytes: int, done: Callable[[], None]
    ) -> None:
        self._folder, self._known, self._seal, self._done = folder, known, seal, done
        self._first = first
        self._part_bytes = part_bytes
        self._writer: SealedWriter | None = None
        self._lock = -1
        self.users = 0
        self.closed = False

    @property
    def duration_ms(self) -> int:
        """Milliseconds of the call that are taken or came before."""
        taken = self._writer.size if self._writer else 0
        return (self._first + taken // FRAME_BYTES) * 1000 // SAMPLE_RATE

    def append(self, frames: bytes) -> None:
        """Append interleaved 16-bit stereo frames. Raises ValueError for a torn frame or a closed file, OSError when the disk refuses."""
        if self.closed:
            raise ValueError("the recording is closed")
        if len(frames) % FRAME_BYTES:
            raise ValueError("a stereo frame of 16-bit samples has 4 bytes")
        while frames:
            writer = self._writer or self._begin()
            room = self._part_bytes - writer.size
            writer.append(frames[:room])
            frames = frames[room:]
            if writer.size >= self._part_bytes:
                self._finish()

    def _begin(self) -> SealedWriter:
        label = f"at{self._first:012d}.{secrets.token_hex(8)}"
        path = self._folder / f"{self._known}.{label}.{SUFFIX}"
        # Under its name only when it is locked: nobody may carry it up before.
        draft = path.with_name(f"{path.name}.part")
        writer = SealedWriter(draft, self._seal(label), chunk_bytes=PIECE_BYTES)
        self._lock = os.open(draft, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        draft.rename(path)
        self._writer = writer
        return writer

    def _finish(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        self._first += writer.size // FRAME_BYTES
        try:
            writer.close()
        finally:
            os.close(self._lock)
            self._done()

    def close(self) -> None:
        """Write the rest and close, when no one else has it open; a repeat does nothing."""
        self.users = max(0, self.users - 1)
        if self.users == 0 and not self.closed:
            self.closed = True
            self._finish()


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody writes it or carries it up, and nobody will until this ends."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have gone, carried up by another process, between the opening and the lock.
            ours = path.exists() and os.fstat(lock).st_ino == path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            ours = False
        yield ours
    finally:
        os.close(lock)


def _mend(path: Path, seal: Seal) -> int:
    """Cut off what a kill tore; the bytes of samples that are left. Raises CannotDecrypt."""
    if path.stat().st_size < HEADER_BYTES:
        return 0
    writer = SealedWriter(path, seal, chunk_bytes=PIECE_BYTES)
    try:
        return writer.size
    finally:
        writer.close()


def _place(rest: str) -> int | None:
    """The first sample of the part that has this name behind its session's, None when it is no part of ours. A whole recording begins at 0."""
    found = PART.fullmatch(rest)
    return int(found[1]) if found else 0 if rest == SUFFIX else None


def _label(rest: str) -> str:
    return "recording" if rest == SUFFIX else rest.removesuffix(f".{SUFFIX}")


def _plain_size(size: int) -> int:
    """Bytes of samples in a mended object of so many bytes."""
    full, rest = divmod(max(0, size - HEADER_BYTES), PIECE_BYTES + OVERHEAD)
    return full * PIECE_BYTES + max(0, rest - OVERHEAD)
