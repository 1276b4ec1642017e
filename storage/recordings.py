"""Recordings as WAV files in a folder: playable at any moment, whole after a crash (R-053, C-21).

Two channels of PCM16 at 16 kHz, candidate left. Audio is written and the header made true at least once a second, so that a kill loses
less than a second; reopening cuts a torn frame off and repairs the header. Read next: `pipeline.recorder`, which feeds it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from pathlib import Path

from bridge.errors import NotFound

from .columns import as_uuid

SAMPLE_RATE = 16_000
FRAME_BYTES = 4
"""One 16-bit sample of each channel."""
BYTES_PER_SECOND = SAMPLE_RATE * FRAME_BYTES
HEADER_BYTES = 44
SUFFIXES = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
_MAX_SIZE = 0xFFFF_FFFF
"""What a WAV header can say; beyond it (18 hours) players read to the end of the file."""


class FolderRecordings:
    """Implements `bridge.ports.RecordingStore` on a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._growing: dict[str, WavFile] = {}

    def open(self, session_id: str) -> WavFile:
        """Open for appending. Raises NotFound when `session_id` is no UUID: it names a file.

        While a recording is open the same file is given again, so that a leg that replaces another goes on where it is; it
        closes with the last of them.
        """
        path = self._name(session_id)
        if path is None:
            raise NotFound("There is no such interview.")
        file = self._growing.get(path.name)
        if file is None or file.closed:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self._growing[path.name] = WavFile(path)
        file.users += 1
        self._growing = {name: known for name, known in self._growing.items() if not known.closed}
        return file

    def path(self, session_id: str) -> Path | None:
        """The finished or growing file, or None."""
        path = self._name(session_id)
        return path if path is not None and path.is_file() else None

    def delete(self, session_id: str) -> bool:
        """Remove it; True when there was one."""
        path = self._name(session_id)
        if path is None:
            return False
        files = [path, *self._folder.glob(f"{path.stem}.*.vendor.*")]
        existed = [file for file in files if file.exists()]
        for file in existed:
            file.unlink(missing_ok=True)
        return bool(existed)

    def keep_vendor(self, session_id: str, call_id: str, file: Path, media_type: str) -> None:
        """Take over a vendor's recording; a repeat replaces it. Raises NotFound when `session_id` is no UUID."""
        path = self._name(session_id)
        if path is None:
            raise NotFound("There is no such interview.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{path.stem}.{hashlib.sha256(call_id.encode()).hexdigest()[:16]}.vendor.{SUFFIXES.get(media_type, 'audio')}"
        # Beside it first: the temporary folder may be another file system, and a crash must not leave half a file.
        draft = self._folder / f"{name}.part"
        shutil.copyfile(file, draft)
        draft.chmod(0o600)
        draft.replace(self._folder / name)

    def _name(self, session_id: str) -> Path | None:
        known = as_uuid(session_id)
        return self._folder / f"{known}.wav" if known is not None else None


class WavFile:
    """Implements `bridge.ports.RecordingFile`: a growing WAV file."""

    def __init__(self, path: Path) -> None:
        self.users = 0
        """How many have it open."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._pending = bytearray()
        data = max(0, os.fstat(self._fd).st_size - HEADER_BYTES)
        self._stored = data - data % FRAME_BYTES
        os.ftruncate(self._fd, HEADER_BYTES + self._stored)
        self._write_header()

    @property
    def closed(self) -> bool:
        """Whether the last user has closed it."""
        return self._fd < 0

    @property
    def duration_ms(self) -> int:
        """Milliseconds taken so far."""
        return (self._stored + len(self._pending)) * 1000 // BYTES_PER_SECOND

    def append(self, frames: bytes) -> None:
        """Append interleaved 16-bit stereo frames. Raises ValueError for a torn frame or a closed file."""
        if self.closed:
            raise ValueError("the recording is closed")
        if len(frames) % FRAME_BYTES:
            raise ValueError("a stereo frame of 16-bit samples has 4 bytes")
        self._pending += frames
        if len(self._pending) >= BYTES_PER_SECOND:
            self._flush()

    def close(self) -> None:
        """Make the header true and close, when no one else has it open; a repeat does nothing."""
        self.users = max(0, self.users - 1)
        if self.closed:
            return
        self._flush()
        if self.users == 0:
            os.close(self._fd)
            self._fd = -1

    def _flush(self) -> None:
        """Audio first, then the header: a crash in between leaves a header that says too little, never too much."""
        while self._pending:
            written = os.pwrite(self._fd, self._pending, HEADER_BYTES + self._stored)
            whole = written - written % FRAME_BYTES
            del self._pending[:whole]
            self._stored += whole
            if whole == 0:
                raise OSError("the disk took less than one frame")
        self._write_header()

    def _write_header(self) -> None:
        header = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF", min(self._stored + HEADER_BYTES - 8, _MAX_SIZE), b"WAVE",
            b"fmt ", 16, 1, 2, SAMPLE_RATE, BYTES_PER_SECOND, FRAME_BYTES, 16,
            b"data", min(self._stored, _MAX_SIZE),
        )  # fmt: skip
        os.pwrite(self._fd, header, 0)
