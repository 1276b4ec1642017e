"""When somebody was heard, taken from audio and not from the arrival of messages (M5): stretches of speech on the call clock. Plain Python."""

from __future__ import annotations

from dataclasses import dataclass

GAP_MS = 700
"""A pause this long ends a stretch of the interviewer's speech."""
LOUD = 0.004
"""RMS of full scale above which the interviewer's audio is speech; a synthetic voice is clean."""


@dataclass
class Window:
    """One stretch of speech; `end_ms` grows while it lasts."""

    start_ms: int
    end_ms: int
    open: bool = True
    dropped_ms: int = 0
    """Audio of it that a barge-in kept from being heard."""

    @property
    def heard_share(self) -> float:
        """The part of it that was heard, 0 to 1."""
        heard = self.end_ms - self.start_ms
        return heard / (heard + self.dropped_ms) if heard + self.dropped_ms else 1.0


class VoiceWindows:
    """The interviewer's stretches of speech, from the loudness of what is played."""

    def __init__(self) -> None:
        self.last: Window | None = None

    def feed(self, at_ms: int, duration_ms: int, level: float) -> bool:
        """Audio heard from `at_ms` on; True when it begins a new stretch."""
        if level < LOUD:
            return False
        end_ms = at_ms + duration_ms
        if self.last is not None and self.last.open and at_ms - self.last.end_ms <= GAP_MS:
            self.last.end_ms = max(self.last.end_ms, end_ms)
            return False
        self.last = Window(at_ms, end_ms)
        return True

    def settle(self, now_ms: int) -> bool:
        """Close the stretch after a pause; True when that has just happened."""
        if self.last is None or not self.last.open or now_ms - self.last.end_ms <= GAP_MS:
            return False
        self.last.open = False
        return True

    def cut(self, now_ms: int, dropped_ms: int) -> None:
        """A barge-in: what was not heard yet never will be."""
        if self.last is not None and self.last.open:
            self.last.dropped_ms += dropped_ms + max(0, self.last.end_ms - now_ms)
            self.last.end_ms = max(self.last.start_ms, min(self.last.end_ms, now_ms))
            self.last.open = False


class SpeechWindows:
    """The candidate's stretches of speech, as voice detection reports them."""

    def __init__(self) -> None:
        self._windows: list[Window] = []

    @property
    def speaking(self) -> bool:
        """Whether they are speaking now."""
        return bool(self._windows) and self._windows[-1].open

    @property
    def last(self) -> Window | None:
        """The newest one, unless its words are in already."""
        return self._windows[-1] if self._windows else None

    def changed(self, at_ms: int, *, speaking: bool) -> None:
        """Speech began or ended at this time."""
        if speaking:
            self._windows.append(Window(at_ms, at_ms))
        elif self.speaking:
            self._windows[-1].end_ms = max(at_ms, self._windows[-1].start_ms)
            self._windows[-1].open = False

    def take(self, now_ms: int, words: int) -> tuple[int, int]:
        """(start, end) of the speech a final transcript of so many words stands for; from its length where nothing was detected."""
        if not self._windows:
            return max(0, now_ms - words * 400), now_ms
        start = self._windows[0].start_ms
        last = self._windows[-1]
        end = now_ms if last.open else last.end_ms
        # Still speaking: the next final goes on from here.
        self._windows = [Window(now_ms, now_ms)] if last.open else []
        return min(start, end), end


def heard_words(text: str, share: float) -> str:
    """The words that were heard of a text of which only this share was played."""
    words = text.split()
    return " ".join(words[: round(len(words) * share)]) if share < 1 else text
