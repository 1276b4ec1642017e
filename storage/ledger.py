"""The cost ledger: what each session's vendors were expected to cost and did, each line booked once, none ever changed (R-165, C-60).

Amounts are whole millionths of a currency, and of a rupee at the rate of the day of booking (C-08). Lines outlive the session they were booked on (C-34). Read next: `jobs`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select

from bridge.domain.upstream import CostEntry
from bridge.errors import NotFound

from .columns import as_uuid
from .tables import cost_entries
from .transaction import TransactionPart


class LedgerRows(TransactionPart):
    """The money part of a transaction."""

    async def add_cost(self, entry: CostEntry) -> bool:
        """Book a cost once; False when (session, ref) is there already. Raises NotFound for what can be no session."""
        known = as_uuid(entry.session_id)
        if known is None:
            raise NotFound("There is no such interview.")
        rupees = {"inr_micros": self.rate.inr_micros(entry), "usd_inr": self.rate.per_usd}
        statement = (
            self.insert(cost_entries)
            .values({**asdict(entry), **rupees, "session_id": known})
            .on_conflict_do_nothing(index_elements=["session_id", "ref"])
        )
        result = await self.change(statement.returning(cost_entries.c.id))
        return result.scalar_one_or_none() is not None

    async def costs(self, session_id: str) -> list[CostEntry]:
        """In order of booking."""
        statement = select(cost_entries).where(cost_entries.c.session_id == as_uuid(session_id)).order_by(cost_entries.c.id)
        return [entry_of(row) for row in await self.connection.execute(statement)]


def entry_of(row: Row[Any]) -> CostEntry:
    """A line of the ledger."""
    return CostEntry(
        session_id=row.session_id,
        ref=row.ref,
        kind=row.kind,
        provider=row.provider,
        item=row.item,
        quantity=row.quantity,
        unit=row.unit,
        amount_micros=row.amount_micros,
        currency=row.currency,
        at=row.at,
        inr_micros=row.inr_micros,
        usd_inr=row.usd_inr,
    )
