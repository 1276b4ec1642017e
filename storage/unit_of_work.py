"""One transaction as `bridge.ports.Tx` sees it, put together from its parts. Read next: `transaction` (what they share), `sessions`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.pricing import ExchangeRate

from .accounts import AccountRows
from .branches import BranchRows
from .engine_calls import EngineCallRows
from .grading import GradingRows
from .inbox import InboxRows
from .invitations import InvitationRows
from .job_queue import JobQueue
from .ledger import LedgerRows
from .log import LogRows
from .operators import OperatorRows
from .payments import PaymentRows
from .pdfs import PdfRows
from .privacy import PrivacyRows
from .progress import ProgressRows
from .promotions import PromotionRows
from .reports import ReportRows
from .reviews import ReviewRows
from .secret_ages import SecretRows
from .sessions import SessionRows
from .sharing import SharingRows
from .sign_in import SignInRows
from .tickets import TicketRows


class Transaction(
    AccountRows,
    SignInRows,
    InvitationRows,
    SessionRows,
    LogRows,
    TicketRows,
    ReportRows,
    PdfRows,
    GradingRows,
    EngineCallRows,
    InboxRows,
    LedgerRows,
    ProgressRows,
    SharingRows,
    PaymentRows,
    OperatorRows,
    BranchRows,
    PrivacyRows,
    ReviewRows,
    PromotionRows,
    SecretRows,
):
    """Implements Tx. Made by `Database.begin` and `Database.read`, which also end it."""

    def __init__(
        self,
        connection: AsyncConnection,
        jobs: JobQueue,
        *,
        now: Callable[[], datetime],
        node: str = "local",
        read_only: bool = False,
        rate: ExchangeRate | None = None,
    ) -> None:
        super().__init__(connection, now=now, node=node, read_only=read_only, rate=rate)
        self._jobs = jobs

    async def enqueue(self, kind: str, key: str, payload: dict[str, Any], after_seconds: float = 0) -> None:
        """Enqueue a durable job in this very transaction; it starts `after_seconds` from now. The same key is one job for ever."""
        await self._jobs.enqueue(self.connection, kind, key, payload, after_seconds)
