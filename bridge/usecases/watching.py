"""The operators' list of live calls, whichever process holds them (M7).

Views are kept between looks and only grow by what is new in each log, so that a look costs one short read a call. Read next:
`bridge.domain.call_view`, `live_feed`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from ..domain.call_view import CallView, Concern, concerns, percentile
from ..domain.session import LIVE, InterviewSession
from ..domain.spending import so_far
from ..ports import Store
from .calling import RECLAIM_SECONDS

FRESH_SECONDS = 1.0
"""Looks within so long share one answer, however many operators look."""


@dataclass(frozen=True)
class LiveCall:
    """A line of the list."""

    session: InterviewSession
    view: CallView
    concerns: tuple[Concern, ...]
    clock_ms: int
    total_ms: int
    cost: dict[str, int]
    """Millionths by currency; empty where nothing costs anything."""
    response_p50_ms: int | None
    response_p95_ms: int | None

    @property
    def urgency(self) -> int:
        """Of its most urgent concern; 0 without one."""
        return max((concern.urgency for concern in self.concerns), default=0)


class Watching:
    """Every live call of the installation, whichever process holds it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._views: dict[str, CallView] = {}
        self._looking = asyncio.Lock()
        self._last: tuple[datetime, list[LiveCall]] | None = None

    async def look(self, now: datetime) -> list[LiveCall]:
        """Live calls, those that need attention first, then the oldest first."""
        async with self._looking:
            if self._last is None or abs((now - self._last[0]).total_seconds()) > FRESH_SECONDS:
                self._last = (now, await self._look(now))
            return self._last[1]

    async def _look(self, now: datetime) -> list[LiveCall]:
        async with self._store.read() as tx:
            sessions = await tx.sessions_with(LIVE)
            costs = {session.id: await tx.costs(session.id) for session in sessions}
            for session in sessions:
                view = self._views.setdefault(session.id, CallView())
                for stored in await tx.events(session.id, after=view.seq):
                    view.apply(stored.seq, stored.event, stored.stored_at)
        self._views = {session.id: self._views[session.id] for session in sessions}
        calls = []
        for session in sessions:
            view = self._views[session.id]
            clock_ms, found = view.clock_ms(now), view.response.found
            total_ms = (session.setup.duration_minutes + view.extended_minutes) * 60_000
            calls.append(
                LiveCall(
                    session=session,
                    view=view,
                    concerns=tuple(concerns(view, session, now, reclaim_seconds=RECLAIM_SECONDS)),
                    clock_ms=clock_ms,
                    total_ms=total_ms,
                    cost=so_far(costs[session.id], share=min(1.0, clock_ms / total_ms)),
                    response_p50_ms=percentile(found, 0.5),
                    response_p95_ms=percentile(found, 0.95),
                )
            )
        return sorted(calls, key=lambda call: (-call.urgency, call.session.started_at or call.session.created_at))
