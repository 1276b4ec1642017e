"""A transaction's part about vouchers, and about who brought whom (R-109, R-110)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ..domain.promotions import Referral, Voucher, VoucherUse


class PromotionTx(Protocol):
    """Vouchers and referrals."""

    async def add_voucher(self, voucher: Voucher, code_hash: str) -> None:
        """Keep it. Raises Conflict for a taken code."""

    async def voucher_of(self, code_hash: str) -> Voucher | None:
        """The one with this code, held until the transaction ends, so that its uses are counted by one at a time."""

    async def voucher_uses(self, voucher_id: str) -> int:
        """How many people have used it."""

    async def vouchers(self, *, limit: int) -> list[VoucherUse]:
        """The newest, with how they are used."""

    async def end_voucher(self, voucher_id: str, now: datetime) -> bool:
        """Let nobody use it any more; False when it is unknown or over."""

    async def referral_code(self, user_id: str) -> str | None:
        """A person's code, made with their account; None for somebody erased or unknown."""

    async def person_of_code(self, code: str) -> str | None:
        """Whose code it is."""

    async def lock_referrals(self) -> None:
        """Nobody else says who brought them until the transaction ends."""

    async def add_referral(self, referral: Referral) -> bool:
        """Keep who brought somebody; False when that is known already."""

    async def referral(self, referee_id: str) -> Referral | None:
        """Who brought a person."""

    async def brought_by(self, referrer_id: str) -> Sequence[Referral]:
        """Whom a person brought."""
