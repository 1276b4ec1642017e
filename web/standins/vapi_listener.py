"""What Vapi hears of the candidate: where turns begin and end, partials, finals, and speech over the assistant.

The frames of one turn come in the order seen on real calls: `speech-update` started, partials, `conversation-update`, finals; `speech-update` stopped is owed
until the assistant has begun to answer. Read next: `vapi_assistant`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from .vapi_audio import ONSET_MS, TurnDetector
from .vapi_speech import Ears

if TYPE_CHECKING:
    from .vapi_call import Call

PREROLL_FRAMES = 15
WORD_MS = 300.0
"""Voice a word takes: what `numWords` means in time, and how partials of given words grow."""
PARTIAL_MS = 400.0
CONFIDENCE = {"confidence": 0.93, "confidenceSource": "provider"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Floor(Protocol):
    """The other side of the conversation."""

    speaking: bool
    interruptible: bool

    async def interrupt(self) -> None:
        """The candidate spoke over it."""


class Listener:
    """One candidate's turns. `answer` gets the words of each finished one."""

    def __init__(self, call: Call, ears: Ears, words: deque[str], floor: Floor, answer: Callable[[str], None]) -> None:
        self._call = call
        self._ears = ears
        self._words = words
        self._floor = floor
        self._answer = answer
        silence = max(call.manner.turn_silence_seconds, call.assistant.start_speaking_plan.wait_seconds)
        self._silence = timedelta(seconds=silence)
        self._detector = TurnDetector(call.rate, silence)
        self._before: deque[bytes] = deque(maxlen=PREROLL_FRAMES)
        self._given: str | None = None
        self._since = datetime.now(UTC)
        self._over_speech = False
        """The assistant was speaking when the turn began."""
        self._partial = ""
        self._partial_ms = 0.0
        self._owes_stop = False
        self._unfinished = 0
        if not words:
            ears.prepare()
        self.turn = 0

    @property
    def speaking(self) -> bool:
        """Whether a turn is open."""
        return self._detector.speaking

    @property
    def busy(self) -> bool:
        """Whether a turn is open or its words are still being made out."""
        return self.speaking or self._unfinished > 0

    async def hear(self, pcm: bytes) -> None:
        """One message of the uplink."""
        change = self._detector.hear(pcm)
        if change == "started":
            await self._begin()
        if not self._detector.speaking and change is None:
            self._before.append(pcm)
            return
        if self._given is None:
            self._ears.hear(pcm)
        if change == "ended":
            await self._end()
            return
        if self._floor.speaking and self._floor.interruptible and self._detector.voiced_ms >= self._enough_ms:
            await self._floor.interrupt()
        await self._tell_partial()

    @property
    def _enough_ms(self) -> float:
        """Voice that interrupts the assistant."""
        plan = self._call.assistant.stop_speaking_plan
        return max(ONSET_MS, plan.num_words * WORD_MS if plan.num_words else plan.voice_seconds * 1000)

    async def _begin(self) -> None:
        await self.settle()
        self._since = datetime.now(UTC)
        self._over_speech = self._floor.speaking
        self._given = self._words.popleft() if self._words else None
        self._partial, self._partial_ms = "", 0.0
        if self._given is None:
            self._ears.begin()
            for pcm in self._before:
                self._ears.hear(pcm)
        self._before.clear()
        await self._call.tell("speech-update", status="started", role="user", turn=self.turn)

    async def _tell_partial(self) -> None:
        if self._detector.voiced_ms - self._partial_ms < PARTIAL_MS:
            return
        self._partial_ms = self._detector.voiced_ms
        words = self._ears.so_far if self._given is None else _first_words(self._given, self._partial_ms)
        if words and words != self._partial:
            self._partial = words
            await self._call.tell("transcript", role="user", transcriptType="partial", transcript=words)

    async def _end(self) -> None:
        self._owes_stop = True
        if self._over_speech and self._floor.speaking and self._detector.voiced_ms < self._enough_ms:
            if self._given is not None:  # a murmur while the assistant spoke on: nobody has taken it for an answer
                self._words.appendleft(self._given)
            await self.settle()
            return
        self._unfinished += 1
        self._call.spawn(self._finish(self._given, self._since, datetime.now(UTC) - self._silence))

    async def _finish(self, given: str | None, start: datetime, end: datetime) -> None:
        text = await self._ears.end() if given is None else given
        self._unfinished -= 1
        if not text:
            await self.settle()
            return
        self._answer(text)
        call = self._call
        call.history.add("user", text, start, end, **CONFIDENCE)
        await call.tell_conversation()
        for piece in _SENTENCE_END.split(text) if call.final_pieces else [text]:
            await call.tell("transcript", role="user", transcriptType="final", transcript=piece, **CONFIDENCE)
        self.turn += 1

    async def settle(self) -> None:
        """Say that the last turn stopped, if that is still owed."""
        if self._owes_stop:
            self._owes_stop = False
            await self._call.tell("speech-update", status="stopped", role="user", turn=self.turn)

    async def close(self) -> None:
        """The call is over."""
        await self._ears.close()


def _first_words(text: str, voiced_ms: float) -> str:
    return " ".join(text.split()[: max(1, int(voiced_ms / WORD_MS))])
