"""The log of a call and what it adds up to: events appended, turns and segments upserted, in three statements (R-058, M1).

Read next: `reports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, insert, select

from bridge.domain.events import Event, from_json, to_json
from bridge.domain.segments import Segment, Turn
from bridge.errors import NotFound
from bridge.ports import StoredEvent

from .columns import as_uuid
from .holders import HolderRows
from .tables import session_events, transcript_segments
from .tables import turns as turn_table


class LogRows(HolderRows):
    """The log part of a transaction."""

    async def append_events(
        self,
        session_id: str,
        events: Sequence[tuple[int, Event]],
        *,
        turns: Sequence[Turn],
        segments: Sequence[Segment],
    ) -> None:
        """Append and upsert. Raises Conflict on a taken seq and while another process holds the call (`check_holder`), NotFound for an unknown session."""
        known = as_uuid(session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        stored_at = self.now()
        await self.check_holder(known)
        rows = [
            {
                "session_id": known,
                "seq": seq,
                "kind": event.kind,
                "at_ms": event.at_ms,
                "data": to_json(event),
                "stored_at": stored_at,
            }
            for seq, event in events
        ]
        if rows:
            await self.change(insert(session_events), rows, taken="Somebody else has written to this interview's log.")
        if turns:
            latest = {turn.id: _turn_row(known, turn) for turn in turns}
            await self.change(self.upsert(turn_table, ("session_id", "turn_id")), list(latest.values()))
        if segments:
            newest = {segment.question_id: {"session_id": known, **asdict(segment)} for segment in segments}
            await self.change(self.upsert(transcript_segments, ("session_id", "question_id")), list(newest.values()))

    async def events(self, session_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        """The log in order of seq."""
        e = session_events.c
        statement = select(session_events).where(e.session_id == as_uuid(session_id), e.seq > after).order_by(e.seq)
        result = await self.connection.execute(statement.limit(limit))
        return [StoredEvent(row.seq, row.stored_at, from_json(row.kind, row.at_ms, row.data)) for row in result]

    async def turns(self, session_id: str) -> list[Turn]:
        """In order of start_ms, then of first storing."""
        t = turn_table.c
        statement = select(turn_table).where(t.session_id == as_uuid(session_id)).order_by(t.start_ms, t.id)
        return [_turn(row) for row in await self.connection.execute(statement)]

    async def segments(self, session_id: str) -> list[Segment]:
        """In order of n."""
        s = transcript_segments.c
        statement = select(transcript_segments).where(s.session_id == as_uuid(session_id)).order_by(s.n, s.question_id)
        return [_segment(row) for row in await self.connection.execute(statement)]


def _turn_row(session_id: str, turn: Turn) -> dict[str, Any]:
    row = asdict(turn)
    row["turn_id"] = row.pop("id")
    return {"session_id": session_id, **row}


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        id=row.turn_id,
        speaker=row.speaker,
        text=row.text,
        question_id=row.question_id,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        source=row.source.value,
        final=row.final,
        interrupted=row.interrupted,
    )


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        question_id=row.question_id,
        n=row.n,
        question=row.question,
        follow_ups=tuple(row.follow_ups),
        turn_ids=tuple(row.turn_ids),
        answer=row.answer,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        closed=row.closed,
    )
