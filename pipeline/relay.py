"""The audio plane of one relayed call: the candidate's microphone straight to the upstream, the upstream's voice straight back.

Nothing here waits, decides or knows pipecat: engines act on it by a few verbs (connect, attach, mute, flush) and listen at one tap.
Read next: `uplink`, `downlink`, `ticker`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .downlink import Downlink
from .sound import Counters, Send, Tap
from .ticker import Ticker
from .uplink import Uplink


class Relay:
    """One call's audio, both ways. Made and used on the event loop; every method returns at once."""

    __slots__ = (
        "_attached",
        "_downlink",
        "_monotonic",
        "_ticker",
        "_uplink",
        "counters",
        "on_played",
    )

    def __init__(
        self,
        ticker: Ticker,
        *,
        on_played: Tap | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts pacing (with silence, once connected) at once; `close` ends it.

        `on_played` hears what was sent to the candidate; it is an attribute and may be set later.
        """
        self.counters = Counters()
        self.on_played = on_played
        self._monotonic = monotonic
        self._ticker = ticker
        self._attached = False
        self._uplink = Uplink(self.counters, monotonic())
        self._downlink = Downlink(self.counters, monotonic(), self._tap_played)
        ticker.add(self._tick)

    def close(self) -> None:
        """Stop for good; a repeat does nothing."""
        self.detach()
        self.disconnect()
        self._ticker.remove(self._tick)

    # Ends -----------------------------------------------------------------------------------------------------------
    def connect(self, send_up: Send) -> None:
        """Send to this upstream from now on (also after a rejoin). What an earlier one said is still played."""
        self._downlink.whole_again()
        self._uplink.connect(send_up, self._monotonic())
        self._ticker.wake(self._tick)

    def disconnect(self) -> None:
        """The upstream is gone; what it said is still played."""
        self._uplink.connect(None, self._monotonic())

    def attach(self, send_audio: Send) -> None:
        """The candidate's leg is here; replaces an older one."""
        self._attached = True
        self._downlink.attach(send_audio, self._monotonic())

    def detach(self) -> None:
        """The candidate's leg is gone: upstream gets silence, its audio is dropped."""
        now = self._monotonic()
        self._uplink.forget()
        self._downlink.attach(None, now)
        self._attached = False
        self._ticker.wake(self._tick)

    # Audio ----------------------------------------------------------------------------------------------------------
    def mute(self, on: bool) -> None:
        """While on, upstream gets silence whatever the microphone sends."""
        self._uplink.mute(on)
        self._ticker.wake(self._tick)

    def up(self, pcm: bytes) -> None:
        """One microphone message: PCM16 16 kHz mono, any even length. Ignored while no candidate is attached."""
        if self._attached:
            self._uplink.take(pcm, self._monotonic())
            if self._uplink.backlog:
                self._ticker.wake(self._tick)

    def down(self, pcm: bytes) -> bool:
        """One upstream message: PCM16 16 kHz mono, any length, at any pace; a sample may be split between two. Always taken, as its reader may be told."""
        self._downlink.take(pcm, self._monotonic())
        if self._downlink.queue:
            self._ticker.wake(self._tick)
        return True

    def flush(self) -> int:
        """Barge-in: drop what was not sent yet; returns its ms. What was sent and not heard (`unheard_ms`, read it before) is the page's to drop."""
        return self._downlink.flush(self._monotonic())

    # State ----------------------------------------------------------------------------------------------------------
    @property
    def unheard_ms(self) -> int:
        """Audio sent to the candidate and not heard yet."""
        return self._downlink.unheard_ms(self._monotonic())

    @property
    def queued_ms(self) -> int:
        """Audio of the upstream not sent yet."""
        return self._downlink.queued_ms

    @property
    def playing(self) -> bool:
        """Whether the candidate hears the upstream now, or still will."""
        return self.queued_ms > 0 or self.unheard_ms > 0

    @property
    def level_down(self) -> float:
        """Loudness of the newest audio sent to the candidate, 0 to 1 (RMS of full scale)."""
        return self._downlink.played.level

    # Within ---------------------------------------------------------------------------------------------------------
    def _tick(self, now: float) -> float:
        """Both directions; what each has to do later comes no sooner than this says, unless a message or a verb wakes the ticker."""
        up, down = self._uplink, self._downlink
        up.tick(now)
        down.tick(now)
        return now if up.backlog or down.queue else min(up.fills_at, down.played.due)

    def _tap_played(self, pcm: bytes, in_ms: int) -> None:
        if self.on_played is not None:
            self.on_played(pcm, in_ms)
