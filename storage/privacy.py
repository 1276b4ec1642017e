"""Consents, choices, holds, receipts, exports: rows to domain and back, and what touches every table of a person. Read next: `personal`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from bridge.domain.privacy import Consent, Copy, CopyState, Receipt
from bridge.domain.session import LIVE, SessionStatus
from bridge.errors import NotFound
from bridge.ports.privacy import Export

from . import personal
from .columns import as_uuid
from .personal import POLICIES, Fate
from .tables import (
    ExportState,
    consents,
    engine_calls,
    erasures,
    exports,
    interview_sessions,
    legal_holds,
    privacy_choices,
    webhook_deliveries,
)
from .transaction import TransactionPart

VOICE_VENDORS = ("vapi",)
"""Whose messages may hold what was said; a payment provider's are kept."""


class PrivacyRows(TransactionPart):
    """The privacy part of a transaction."""

    # Consent ------------------------------------------------------------------------------------------------------------
    async def add_consent(self, consent: Consent) -> None:
        """Keep it; the newest of a session counts. Raises NotFound for an unknown session."""
        known = as_uuid(consent.session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        row = asdict(consent) | {"session_id": known, "receivers": list(consent.receivers)}
        await self.change(insert(consents), [row])

    async def consent(self, session_id: str) -> Consent | None:
        """The session's newest."""
        statement = select(consents).where(consents.c.session_id == as_uuid(session_id)).order_by(consents.c.id.desc()).limit(1)
        row = (await self.connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return Consent(row.session_id, row.version, tuple(row.receivers), row.given_at, row.training, row.withdrawn_at)

    async def withdraw_consent(self, session_id: str, now: datetime) -> bool:
        """False when there was none that stood."""
        wanted = (consents.c.session_id == as_uuid(session_id), consents.c.withdrawn_at.is_(None))
        return (await self.connection.execute(update(consents).where(*wanted).values(withdrawn_at=now))).rowcount > 0

    async def training(self, user_id: str) -> bool:
        """Whether the person's interviews may be used for training."""
        statement = select(privacy_choices.c.training).where(privacy_choices.c.user_id == as_uuid(user_id))
        return bool(await self.connection.scalar(statement))

    async def choose_training(self, user_id: str, *, allowed: bool, now: datetime) -> None:
        """Keep the choice."""
        row = {"user_id": as_uuid(user_id), "training": allowed, "changed_at": now}
        await self.change(self.upsert(privacy_choices, ["user_id"]).values(row), missing="There is no such user.")

    # Retention and holds --------------------------------------------------------------------------------------------------
    async def recorded_before(self, before: datetime, *, limit: int) -> list[str]:
        """Ids of sessions made before the moment that are over and still have a recording, oldest first, held ones left out."""
        s = interview_sessions.c
        wanted = (
            s.has_recording.is_(True),
            s.created_at < before,
            s.status.not_in([*LIVE, SessionStatus.DELETED]),
            s.id.not_in(select(legal_holds.c.session_id)),
        )
        statement = select(s.id).where(*wanted).order_by(s.created_at, s.id).limit(limit)
        return list((await self.connection.scalars(statement)).all())

    async def drop_loose_deliveries(self, before: datetime) -> int:
        """Remove vendors' messages of no interview of ours that came before the moment."""
        d = webhook_deliveries.c
        wanted = (
            d.received_at < before, d.provider.in_(VOICE_VENDORS), d.call_id.not_in(select(engine_calls.c.call_id)),
        )  # fmt: skip
        return (await self.connection.execute(delete(webhook_deliveries).where(*wanted))).rowcount

    async def hold_back(self, session_id: str, reason: str, now: datetime) -> None:
        """Nothing of the session may be erased. Raises NotFound for an unknown one."""
        known = as_uuid(session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        row = {"session_id": known, "reason": reason, "placed_at": now}
        await self.change(self.upsert(legal_holds, ["session_id"]).values(row))

    async def let_go(self, session_id: str) -> bool:
        """False when it was not held."""
        statement = delete(legal_holds).where(legal_holds.c.session_id == as_uuid(session_id))
        return (await self.connection.execute(statement)).rowcount > 0

    async def held_back(self, session_id: str) -> bool:
        """Whether it is."""
        statement = select(legal_holds.c.session_id).where(legal_holds.c.session_id == as_uuid(session_id))
        return await self.connection.scalar(statement) is not None

    # Erasure and receipts -------------------------------------------------------------------------------------------------
    async def sessions_of(self, user_id: str) -> list[str]:
        """Ids of a person's sessions that are not deleted, oldest first."""
        s = interview_sessions.c
        wanted = (s.user_id == as_uuid(user_id), s.status != SessionStatus.DELETED)
        return list((await self.connection.scalars(select(s.id).where(*wanted).order_by(s.created_at, s.id))).all())

    async def add_receipt(self, receipt: Receipt, subject_id: str) -> None:
        """Keep it."""
        row = {
            "id": receipt.id,
            "subject_id": as_uuid(subject_id),
            "scope": receipt.scope,
            "requested_at": receipt.requested_at,
            "copies": {key: _line(copy) for key, copy in receipt.copies.items()},
        }
        await self.change(insert(erasures), [row])

    async def receipt(self, receipt_id: str) -> Receipt | None:
        """What became of it so far."""
        row = (await self.connection.execute(select(erasures).where(erasures.c.id == receipt_id))).one_or_none()
        return _receipt(row) if row else None

    async def receipts_about(self, subject_id: str) -> list[Receipt]:
        """Of a session or a person, oldest first."""
        statement = select(erasures).where(erasures.c.subject_id == as_uuid(subject_id)).order_by(erasures.c.requested_at)
        return [_receipt(row) for row in await self.connection.execute(statement)]

    async def mark_copies(self, receipt_id: str, copies: Mapping[str, Copy]) -> None:
        """Write these lines of a receipt, in place of older ones with the same keys."""
        statement = select(erasures.c.copies).where(erasures.c.id == receipt_id).with_for_update()
        known = await self.connection.scalar(statement)
        if known is None:
            return
        # What was erased once stays so: a repeated job finds nothing any more.
        erased = {key for key, line in known.items() if line["state"] == CopyState.ERASED.value}
        lines = {**known, **{key: _line(copy) for key, copy in copies.items() if key not in erased}}
        await self.connection.execute(update(erasures).where(erasures.c.id == receipt_id).values(copies=lines))

    async def erase_account(self, user_id: str) -> dict[str, int]:
        """Remove or unlink every row that is tied to the person, by the table of `personal`. Returns how many rows, by table."""
        known = as_uuid(user_id)
        if known is None:
            raise NotFound("There is no such user.")
        done: dict[str, int] = {}
        for name, policy in POLICIES.items():
            table, mine = personal.table_of(name), personal.belongs(name, known)
            match policy.fate:
                case Fate.DELETE:
                    result = await self.connection.execute(delete(table).where(mine))
                case Fate.UNLINK:
                    result = await self.connection.execute(update(table).where(mine).values({policy.column: None}))
                case Fate.EMPTY:
                    result = await self.connection.execute(update(table).where(mine).values(dict(policy.empty)))
                case _:
                    continue
            done[name] = result.rowcount
        return done

    # Export -------------------------------------------------------------------------------------------------------------
    async def personal_rows(self, user_id: str) -> dict[str, list[dict[str, Any]]]:
        """Every row that is tied to the person, by table, secrets left out, ready for JSON."""
        known = as_uuid(user_id)
        found: dict[str, list[dict[str, Any]]] = {}
        for name in POLICIES if known else ():
            table = personal.table_of(name)
            columns = [table.c[column] for column in personal.exported(name)]
            order = list(table.primary_key.columns)
            rows = await self.connection.execute(select(*columns).where(personal.belongs(name, known or "")).order_by(*order))
            found[name] = [{key: _plain(value) for key, value in row._mapping.items()} for row in rows]
        return found

    async def add_export(self, export: Export) -> None:
        """Keep the order."""
        await self.change(
            insert(exports), [asdict(export) | {"state": ExportState(export.state)}], missing="There is no such user."
        )

    async def save_export(self, export: Export) -> None:
        """Write state, time and size; nothing happens when it is gone."""
        values = {"state": ExportState(export.state), "finished_at": export.finished_at, "size": export.size}
        await self.connection.execute(update(exports).where(exports.c.id == as_uuid(export.id)).values(values))

    async def exports(self, user_id: str) -> list[Export]:
        """A person's, newest first."""
        statement = select(exports).where(exports.c.user_id == as_uuid(user_id)).order_by(exports.c.made_at.desc(), exports.c.id)
        return [_export(row) for row in await self.connection.execute(statement)]

    async def export(self, export_id: str) -> Export | None:
        """One."""
        row = (await self.connection.execute(select(exports).where(exports.c.id == as_uuid(export_id)))).one_or_none()
        return _export(row) if row else None

    async def exports_before(self, before: datetime) -> list[str]:
        """Ids of those made before the moment."""
        return list((await self.connection.scalars(select(exports.c.id).where(exports.c.made_at < before))).all())

    async def drop_export(self, export_id: str) -> None:
        """Forget it."""
        await self.connection.execute(delete(exports).where(exports.c.id == as_uuid(export_id)))


def _export(row: Row[Any]) -> Export:
    return Export(row.id, row.user_id, row.state.value, row.made_at, row.finished_at, row.size)


def _line(copy: Copy) -> dict[str, Any]:
    return {
        "what": copy.what, "where": copy.where, "state": copy.state.value,
        "at": copy.at.isoformat() if copy.at else None, "note": copy.note,
    }  # fmt: skip


def _receipt(row: Row[Any]) -> Receipt:
    copies = {
        key: Copy(
            line["what"],
            line["where"],
            CopyState(line["state"]),
            datetime.fromisoformat(line["at"]) if line["at"] else None,
            line["note"],
        )
        for key, line in row.copies.items()
    }
    return Receipt(row.id, row.scope, row.requested_at, copies)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return value
