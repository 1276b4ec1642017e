"""Upstream to candidate: sent at once while little is ahead of its playing, queued beyond that, dropped on a barge-in (vapi-protocol §2.2).

Digital silence that goes on for more than a second is not sent, but it takes its time all the same: what follows is heard when it would have been. Read next: `ticker`.
"""

from __future__ import annotations

from collections import deque

from .sound import BYTES_PER_SECOND, FRAME_BYTES, FRAME_MS, Counters, Gatherer, Send, Tap

LEAD_SECONDS = 0.16
"""Audio sent ahead of its playing: clean in a browser, and still tight on a barge-in."""
FRAME_SECONDS = FRAME_MS / 1000
MAX_QUEUE = 30 * BYTES_PER_SECOND
"""Vapi may send a whole answer at once; nothing says that it does not send two."""
PIECE = BYTES_PER_SECOND // 5
"""Longer messages are queued in pieces, so that taking a frame off the head does not copy them again and again."""
SILENCE_SENT = BYTES_PER_SECOND
"""Silence within speech is sent: a page that runs dry may click."""


class Downlink:
    """One call's upstream audio on its way to the candidate."""

    __slots__ = (
        "_counters",
        "_queued",
        "_send",
        "_sent_until",
        "_silence",
        "_sound",
        "_sound_until",
        "_torn",
        "played",
        "queue",
    )

    def __init__(self, counters: Counters, now: float, tap: Tap) -> None:
        self._counters = counters
        self._send: Send | None = None
        self.queue: deque[tuple[bytes, bool, bool]] = deque()
        """Audio, whether it is digital silence, and whether it is only there for its length."""
        self._queued = 0
        self._sound = 0
        self._torn = b""
        self._silence = SILENCE_SENT
        """Bytes of digital silence since the last sound."""
        self._sent_until = now
        self._sound_until = now
        self.played = Gatherer(tap)

    @property
    def queued_ms(self) -> int:
        """Audio that is still to be sent."""
        return self._sound * 1000 // BYTES_PER_SECOND

    def unheard_ms(self, now: float) -> int:
        """Sound sent and not heard yet."""
        return max(0, round((self._sound_until - now) * 1000))

    def attach(self, send: Send | None, now: float) -> None:
        """Send there from now on; None for nobody, and what waits is dropped."""
        if send is None:
            self._counters.down_dropped_bytes += self._clear(now)
        self._send = send

    def flush(self, now: float) -> int:
        """Drop what waits; returns its ms."""
        dropped = self._clear(now)
        self._counters.flushed_bytes += dropped
        return dropped * 1000 // BYTES_PER_SECOND

    def whole_again(self) -> None:
        """Another upstream begins: half a sample of the old one is not the first half of its."""
        self._torn = b""

    def _clear(self, now: float) -> int:
        dropped = self._sound
        self.queue.clear()
        self._queued = self._sound = 0
        self._silence = SILENCE_SENT
        self._sent_until = self._sound_until = now
        self.played.hand_on(now)
        return dropped

    def take(self, pcm: bytes, now: float) -> None:
        """One upstream message."""
        counters = self._counters
        counters.down_messages += 1
        counters.down_bytes += len(pcm)
        counters.last_down_at = now
        if self._torn or len(pcm) % 2:
            pcm = self._torn + pcm
            whole = len(pcm) - len(pcm) % 2
            pcm, self._torn = pcm[:whole], pcm[whole:]
        # A message of nothing but zeros has nothing left when they are stripped; sound ends the stripping at once.
        silent = not pcm.strip(b"\0")
        if silent:
            self._silence += len(pcm)
        else:
            self._silence = 0
            counters.last_sound_at = now
        if self._send is None or self._queued + len(pcm) > MAX_QUEUE:
            counters.down_dropped_bytes += len(pcm)
            return
        gap = silent and self._silence > SILENCE_SENT
        if not self.queue and len(pcm) <= self._room(now):
            self._forward(pcm, silent, gap, now)
            return
        for start in range(0, len(pcm), PIECE):
            self.queue.append((pcm[start : start + PIECE], silent, gap))
        self._queued += len(pcm)
        self._sound += 0 if gap else len(pcm)
        self._pump(now)

    def tick(self, now: float) -> None:
        """Send what has become due."""
        self.played.tick(now)
        if self.queue:
            self._pump(now)

    def _room(self, now: float) -> int:
        """Bytes that may be sent now, in whole frames."""
        ahead = self._sent_until - now if self._sent_until > now else 0.0
        return int((LEAD_SECONDS - ahead) / FRAME_SECONDS + 0.01) * FRAME_BYTES

    def _pump(self, now: float) -> None:
        while self.queue and (room := self._room(now)) > 0:
            pcm, silent, gap = self.queue.popleft()
            if len(pcm) > room:
                self.queue.appendleft((pcm[room:], silent, gap))
                pcm = pcm[:room]
            self._queued -= len(pcm)
            self._sound -= 0 if gap else len(pcm)
            self._forward(pcm, silent, gap, now)

    def _forward(self, pcm: bytes, silent: bool, gap: bool, now: float) -> None:
        heard_at = self._sent_until if self._sent_until > now else now
        self._sent_until = heard_at + len(pcm) / BYTES_PER_SECOND
        if gap:
            return
        if self._send is None or not self._send(pcm):
            self._counters.down_dropped_bytes += len(pcm)
            return
        self._counters.played_bytes += len(pcm)
        if not silent:
            self._sound_until = self._sent_until
        self.played.add(pcm, heard_at, now)
