"""Vouchers and who brought whom: rows to domain and back (R-109, R-110). What they gave is in the ledger. Read next: `payments`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, text, update

from bridge.domain.holding import HoldState
from bridge.domain.promotions import Referral, Voucher, VoucherUse

from .columns import as_uuid
from .tables import holds, money_lines, referral_codes, referrals, vouchers
from .transaction import TransactionPart

KIND = "voucher"


class PromotionRows(TransactionPart):
    """The part of a transaction about vouchers and referrals."""

    async def add_voucher(self, voucher: Voucher, code_hash: str) -> None:
        """Keep it. Raises Conflict for a taken code."""
        await self.change(insert(vouchers), [asdict(voucher) | {"code_hash": code_hash}], taken="There is such a code already.")

    async def voucher_of(self, code_hash: str) -> Voucher | None:
        """The one with this code, held until the transaction ends."""
        statement = select(vouchers).where(vouchers.c.code_hash == code_hash).with_for_update()
        row = (await self.connection.execute(statement)).one_or_none()
        return _voucher(row) if row else None

    async def voucher_uses(self, voucher_id: str) -> int:
        """How many people have used it."""
        m = money_lines.c
        wanted = (m.kind == KIND, m.ref.startswith(f"{voucher_id}:", autoescape=True))
        return int(await self.connection.scalar(select(func.count()).select_from(money_lines).where(*wanted)) or 0)

    async def vouchers(self, *, limit: int) -> list[VoucherUse]:
        """The newest, with how they are used."""
        newest = select(vouchers).order_by(vouchers.c.created_at.desc(), vouchers.c.id).limit(limit)
        found = [_voucher(row) for row in await self.connection.execute(newest)]
        if not found:
            return []
        m, h = money_lines.c, holds.c
        begins = or_(*(m.ref.startswith(f"{voucher.id}:", autoescape=True) for voucher in found))
        used = Counter(
            str(ref).partition(":")[0] for ref in await self.connection.scalars(select(m.ref).where(m.kind == KIND, begins))
        )
        since = select(m.ref).join(holds, h.user_id == m.user_id).where(m.kind == KIND, begins)
        held = await self.connection.scalars(since.where(h.state == HoldState.CONSUMED, h.settled_at >= m.at))
        interviews = Counter(str(ref).partition(":")[0] for ref in held)
        return [VoucherUse(voucher, used[voucher.id], interviews[voucher.id]) for voucher in found]

    async def end_voucher(self, voucher_id: str, now: datetime) -> bool:
        """Let nobody use it any more; False when it is unknown or over."""
        v = vouchers.c
        wanted = (v.id == as_uuid(voucher_id), or_(v.expires_at.is_(None), v.expires_at > now))
        return (await self.connection.execute(update(vouchers).where(*wanted).values(expires_at=now))).rowcount > 0

    async def referral_code(self, user_id: str) -> str | None:
        """A person's code, made with their account; None for somebody erased or unknown."""
        return await self.connection.scalar(select(referral_codes.c.code).where(referral_codes.c.user_id == as_uuid(user_id)))

    async def person_of_code(self, code: str) -> str | None:
        """Whose code it is."""
        return await self.connection.scalar(select(referral_codes.c.user_id).where(referral_codes.c.code == code))

    async def lock_referrals(self) -> None:
        """Nobody else says who brought them until the transaction ends; on SQLite a writing transaction is alone anyway."""
        if self.dialect == "postgresql":
            await self.connection.execute(text("LOCK TABLE referrals IN SHARE ROW EXCLUSIVE MODE"))

    async def add_referral(self, referral: Referral) -> bool:
        """Keep who brought somebody; False when that is known already."""
        statement = self.insert(referrals).values(asdict(referral)).on_conflict_do_nothing(index_elements=["referee_id"])
        return (await self.change(statement.returning(referrals.c.referee_id))).scalar_one_or_none() is not None

    async def referral(self, referee_id: str) -> Referral | None:
        """Who brought a person."""
        statement = select(referrals).where(referrals.c.referee_id == as_uuid(referee_id))
        row = (await self.connection.execute(statement)).one_or_none()
        return Referral(**row._mapping) if row else None

    async def brought_by(self, referrer_id: str) -> Sequence[Referral]:
        """Whom a person brought."""
        statement = select(referrals).where(referrals.c.referrer_id == as_uuid(referrer_id)).order_by(referrals.c.at)
        return [Referral(**row._mapping) for row in await self.connection.execute(statement)]


def _voucher(row: Row[Any]) -> Voucher:
    return Voucher(**{name: getattr(row, name) for name in Voucher.__dataclass_fields__})
