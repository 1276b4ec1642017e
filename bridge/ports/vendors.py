"""What is outside of the database: recordings, voice vendors, jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.upstream import Delivery


class RecordingStore(Protocol):
    """Audio files by session id: two-channel PCM16 16 kHz WAV, candidate left, interviewer right."""

    def open(self, session_id: str) -> RecordingFile:
        """Open for appending, created when missing; repairs the header after a crash."""

    def path(self, session_id: str) -> Path | None:
        """The finished or growing file, or None."""

    def keep_vendor(self, session_id: str, call_id: str, file: Path, media_type: str) -> None:
        """Take over a voice vendor's own recording of one of the session's calls; a repeat replaces it."""

    def delete(self, session_id: str) -> bool:
        """Remove it and the vendors'; True when there was one."""


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
        """Make the header true and close."""


class Jobs(Protocol):
    """Durable background work; survives kill -9, runs each key once to success."""

    async def start(self) -> None:
        """Recover what was running and begin to work."""

    async def stop(self) -> None:
        """Finish or park what runs, within a bound."""
