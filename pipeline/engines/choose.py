"""Which engines a call tries, in what order, and how each is made for one leg.

`local` is always last: it needs no key and no network. Read next: `engine`, `local`, `vapi_call`, `gemini_lives`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bridge.domain.events import EngineChanged, Event
from bridge.domain.session import InterviewSession

if TYPE_CHECKING:
    from .engine import CallParts, Engine
    from .gemini_lives import GeminiLives
    from .local import Voices
    from .vapi import MakeBody
    from .vapi_call import VapiCalls

MakeVoices = Callable[[InterviewSession, bool], "Voices"]
"""Builds recogniser and voice for a session; without a recogniser when the second argument is False."""


class EngineMaker:
    """Implements `pipeline.call.Engines`."""

    def __init__(
        self,
        names: Sequence[str],
        make_voices: MakeVoices,
        *,
        local_calls: int,
        vapi: tuple[VapiCalls, MakeBody] | None = None,
        gemini: GeminiLives | None = None,
    ) -> None:
        self._names = tuple(names)
        self._make_voices = make_voices
        self._local_calls = local_calls
        self._local: set[str] = set()
        self._vapi = vapi
        self._gemini = gemini

    def order(self, events: Sequence[Event]) -> Sequence[str]:
        """From the first engine on, or from the one that took the interview over."""
        last = next((event.to_engine for event in reversed(events) if isinstance(event, EngineChanged)), None)
        return self._names[self._names.index(last) :] if last in self._names else self._names

    async def make(self, name: str, parts: CallParts) -> Engine:
        """An engine for one leg. Raises VoiceUnavailable or UpstreamFailed."""
        if name == "vapi" and self._vapi is not None:
            # Without a key nothing of a vendor is loaded.
            from .vapi import VapiEngine  # noqa: PLC0415

            return VapiEngine(parts, *self._vapi)
        if name == "gemini" and self._gemini is not None:
            client = await self._gemini.client()
            from .gemini import GeminiEngine  # noqa: PLC0415

            return GeminiEngine(parts, self._gemini, client)
        # Loaded by now (`loading`), but not when the server starts.
        from .local import LocalEngine  # noqa: PLC0415

        session = parts.session
        # A lost vendor may send every one of its calls here at once: beyond what this machine can hear, answers are typed.
        hears = session.id in self._local or len(self._local) < self._local_calls
        if hears:
            self._local.add(session.id)
        # In a thread: the `local` extra loads its models here, and at first use fetches them.
        return LocalEngine(parts, await asyncio.to_thread(self._make_voices, session, hears))

    def troubled(self) -> dict[str, str]:
        """Engines that are left alone after they have failed, and in words why."""
        lost = self._gemini.troubled() if self._gemini is not None else ""
        return {"gemini": lost} if lost else {}

    async def leg_ended(self, session_id: str, *, over: bool) -> None:
        """A leg is gone; a vendor's call outlives it for the reclaim window unless the interview is over."""
        self._local.discard(session_id)
        if self._gemini is not None:
            self._gemini.leg_ended(session_id, over=over)
        if self._vapi is not None:
            await self._vapi[0].leg_ended(session_id, over=over)

    async def close(self) -> None:
        """End every vendor's call of this process."""
        if self._vapi is not None:
            await self._vapi[0].close()
        if self._gemini is not None:
            await self._gemini.close()
