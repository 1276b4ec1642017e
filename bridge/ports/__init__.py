"""Everything the use cases and the call need from outside, as Protocols: the table of contents of the product's edges.

`Store`/`Tx` are implemented by `storage`, `RecordingStore` by `storage.recordings`, `Jobs` by `storage.jobs`. One act is one
`async with store.begin() as tx`; nothing slow is awaited inside it. Read next: `sessions`, `language_model` (the one port not here), and `usecases`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from .accounts import AccountTx
from .branches import BranchTx
from .grading import GradingTx
from .mail import Mailer
from .operators import OperatorTx
from .payments import Checkout, CheckoutAsk, CheckoutGateway, Earned, Hint, PaymentTx, Refund
from .post import Post
from .privacy import Export, PrivacyTx
from .promotions import PromotionTx
from .reports import ReportTx
from .reviews import ReviewTx
from .rows import DeliveryState, HistoryRow, KeptPdf, StoredDelivery, StoredEvent, StoredGrade, StoredReport
from .secrets import SecretTx
from .sessions import SessionTx
from .sign_in import PasswordHasher, SignInTx
from .upstream import UpstreamTx
from .vendors import Jobs, Recording, RecordingFile, RecordingStore, VendorAccount, VoiceVendor
from .vouching import OpenIdProvider


class Tx(
    AccountTx,
    SessionTx,
    ReportTx,
    GradingTx,
    UpstreamTx,
    PaymentTx,
    BranchTx,
    PrivacyTx,
    SignInTx,
    OperatorTx,
    ReviewTx,
    PromotionTx,
    SecretTx,
    Protocol,
):
    """One database transaction: commits when its block ends well, rolls back when it raises."""


class Store(Protocol):
    """The database."""

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """A read-write transaction (BEGIN IMMEDIATE on SQLite)."""

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """A read-only snapshot that never waits for a writer."""

    def is_away(self, error: BaseException) -> bool:
        """Whether an error says that the database cannot be reached or locked right now, so that a later try may do."""

    async def scrub(self) -> None:
        """Overwrite what deleted rows left behind in the database's files, so far as the database leaves that to us (R-115)."""

    async def ping(self) -> None:
        """Raise when the database cannot be written or is not at the newest migration."""


__all__ = [
    "AccountTx",
    "BranchTx",
    "Checkout",
    "CheckoutAsk",
    "CheckoutGateway",
    "DeliveryState",
    "Earned",
    "Export",
    "GradingTx",
    "Hint",
    "HistoryRow",
    "Jobs",
    "KeptPdf",
    "Mailer",
    "OpenIdProvider",
    "OperatorTx",
    "PasswordHasher",
    "PaymentTx",
    "Post",
    "PrivacyTx",
    "PromotionTx",
    "Recording",
    "RecordingFile",
    "RecordingStore",
    "Refund",
    "ReportTx",
    "ReviewTx",
    "SecretTx",
    "SessionTx",
    "SignInTx",
    "Store",
    "StoredDelivery",
    "StoredEvent",
    "StoredGrade",
    "StoredReport",
    "Tx",
    "UpstreamTx",
    "VendorAccount",
    "VoiceVendor",
]
