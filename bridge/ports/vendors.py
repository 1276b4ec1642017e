"""What is outside of the database: recordings, voice vendors, jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.upstream import Delivery


class Recording(Protocol):
    """Audio to listen to, as it was when it was found; encrypted where it lies. Methods block and may raise CannotDecrypt."""

    @property
    def media_type(self) -> str:
        """What it is, for example audio/wav."""

    @property
    def size(self) -> int:
        """Bytes of the whole."""

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop` or the end."""

    def close(self) -> None:
        """Let go of it."""


class RecordingStore(Protocol):
    """Audio by session id, encrypted at rest: two-channel PCM16 16 kHz WAV, candidate left, interviewer right. Methods block."""

    def open(self, session_id: str, at_ms: int = 0) -> RecordingFile:
        """Open for appending, created when missing; goes on behind what a crash left whole. `at_ms`: how far the call has come."""

    def find(self, session_id: str) -> Recording | None:
        """The finished or growing recording, or None. Raises CannotDecrypt, RecordingsAway."""

    def has(self, session_id: str) -> bool:
        """Whether there is something to listen to."""

    def vendor_copies(self, session_id: str) -> Sequence[Recording]:
        """Vendors' own recordings of the session that are kept here."""

    def keep_vendor(self, session_id: str, call_id: str, file: Path, media_type: str) -> None:
        """Take over a voice vendor's own recording of one of the session's calls; a repeat replaces it."""

    def delete(self, session_id: str) -> bool:
        """Destroy the session's key and remove its files, the vendors' too; True when there was anything. Raises RecordingsAway: the key is gone then, repeat it."""


@dataclass(frozen=True)
class VendorAccount:
    """What a voice vendor says of one of its calls when asked."""

    live: bool
    complete: bool
    """Ended, and what it holds will not grow any more."""
    delivery: Delivery
    """The same as its webhook would have been, under the same key."""


class VoiceVendor(Protocol):
    """A voice vendor's interface for calls that are over. Each raises UpstreamFailed."""

    async def account(self, call_id: str) -> VendorAccount:
        """Ask after a call."""

    async def hang_up(self, call_id: str) -> None:
        """End a call nobody is in any more."""

    async def erase(self, call_id: str) -> bool:
        """Have it erase all that it keeps of a call; False when it knows no such call."""

    async def recording(self, call_id: str, to: Path) -> str:
        """Fetch its recording into a file; the media type."""


class RecordingFile(Protocol):
    """A growing recording."""

    @property
    def duration_ms(self) -> int:
        """Milliseconds stored so far."""

    def append(self, frames: bytes) -> None:
        """Append interleaved 16-bit stereo frames (4 bytes each)."""

    def close(self) -> None:
        """Write the rest and close."""


class Jobs(Protocol):
    """Durable background work; survives kill -9, runs each key once to success."""

    async def start(self) -> None:
        """Recover what was running and begin to work."""

    async def stop(self) -> None:
        """Finish or park what runs, within a bound."""
