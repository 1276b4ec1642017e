"""Erasing: an interview, a recording, a whole account, on request and by age; a durable job for each, a receipt for every copy (R-096, R-114, R-115, C-34, M9).

Hidden at once, erased by jobs: the key first, so that no copy can be played any more, then files, rows and what vendors keep. Each step may be repeated, so that a kill at any
moment only delays. A legal hold stops all of it. Read next: `bridge.domain.privacy`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from loguru import logger

from ..domain.entitlement import FINAL
from ..domain.privacy import Artefact, Copy, CopyState, Receipt, Retention
from ..domain.session import InterviewSession, SessionStatus, move
from ..errors import Conflict, NotFound, RecordingsAway, UpstreamFailed
from ..ports import RecordingStore, Store, Tx, VoiceVendor
from . import holds
from .calling import owned

PURGE_JOB = "purge-session"
ERASE_RECORDING_JOB = "erase-recording"
ERASE_COPY_JOB = "erase-vendor-copy"
RETENTION_BATCH = 50
"""Sessions deleted by age in one transaction, so that a live call never waits long for it."""
VENDOR_WAITS = (10, 60, 600, 3600, 6 * 3600, 24 * 3600)
"""Seconds between two attempts to erase a vendor's copy, or what is in a store that is away."""
WORDS, RECORDING = "words", "recording"
HERE = "this server"
TITLES = {WORDS: "Questions, transcript, report, documents, links", RECORDING: "Recordings and their key"}
PLAN_RUNS = "Nothing was deleted: your plan would go on to be charged, with nobody to tell. Cancel it under Plans first, then delete the account."
PAYMENTS = Copy("Payments", HERE, CopyState.KEPT, note="The law asks for them. Amounts and ids stay; the link to you is removed.")
BACKUPS = Copy(
    "Back-ups", "wherever who runs this server keeps them", CopyState.KEPT,
    note="Recordings in them cannot be played any more, because the key is destroyed. Rows of the database stay in a back-up until it is thrown away.",
)  # fmt: skip
MODEL = Copy(
    "What was sent to a language model", "its provider", CopyState.KEPT,
    note="Sent without your name and under no id that it could be found by; the provider's own terms say how long it keeps requests.",
)  # fmt: skip


def new_receipt(scope: str, now: datetime, copies: dict[str, Copy]) -> Receipt:
    """A receipt nobody can guess the address of."""
    return Receipt(secrets.token_urlsafe(24), scope, now, copies)


async def _copies(tx: Tx, session_id: str, *, words: bool = True) -> dict[str, Copy]:
    """What there is of one interview, all of it pending."""
    parts = (WORDS, RECORDING) if words else (RECORDING,)
    found = {f"{session_id}/{part}": Copy(TITLES[part], HERE, CopyState.PENDING) for part in parts}
    if words and any(cost.provider == "gemini" for cost in await tx.costs(session_id)):
        found["model"] = MODEL
    for call in await tx.engine_calls(session_id):
        what = "Its recording and transcript of the call" if words else "Its recording of the call"
        found[f"{session_id}/{call.engine}/{call.id}"] = Copy(what, call.engine.capitalize(), CopyState.PENDING)
    return found


async def delete_session(store: Store, user_id: str, session_id: str, now: datetime) -> Receipt:
    """Hide the session and enqueue its purge, in one transaction. Raises NotFound."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        receipt = new_receipt("interview", now, await _copies(tx, session.id) | {"backups": BACKUPS})
        await tx.add_receipt(receipt, session.id)
        await _delete(tx, session, receipt.id, now)
        return receipt


async def _delete(tx: Tx, session: InterviewSession, receipt_id: str | None, now: datetime) -> None:
    await tx.save_session(move(session, SessionStatus.DELETED))
    await holds.settle_hold(tx, session, now)
    await tx.enqueue(PURGE_JOB, session.id, {"sessionId": session.id, "receiptId": receipt_id})


async def delete_account(store: Store, user_id: str, now: datetime) -> Receipt:
    """Hide every interview, enqueue their purges, and remove or unlink every other row of the person, in one transaction. Live calls were ended before.

    Raises Conflict while a plan would go on to be charged.
    """
    async with store.begin() as tx:
        if any(plan.status not in FINAL and not plan.cancels_at_end for plan in await tx.subscriptions(user_id)):
            raise Conflict(PLAN_RUNS)
        receipt = new_receipt("account", now, {})
        copies = {"backups": BACKUPS, "payments": PAYMENTS}
        ids = await tx.sessions_of(user_id)
        for session_id in ids:
            copies |= await _copies(tx, session_id)
        for export in await tx.exports(user_id):
            copies[f"export/{export.id}"] = Copy("An archive made for download", HERE, CopyState.PENDING)
            await tx.enqueue(ERASE_EXPORT_JOB, export.id, {"exportId": export.id, "receiptId": receipt.id})
        copies["account"] = Copy("Name, address, ways to sign in, choices", HERE, CopyState.ERASED, now)
        receipt = replace(receipt, copies=copies)
        await tx.add_receipt(receipt, user_id)
        for session_id in ids:
            session = await tx.session(session_id, for_update=True)
            if session is not None:
                await _delete(tx, session, receipt.id, now)
        await tx.erase_account(user_id)
        return receipt


ERASE_EXPORT_JOB = "erase-export"


# By age ---------------------------------------------------------------------------------------------------------------
async def delete_old(store: Store, *, retention: Retention, now: datetime) -> int:
    """Delete a batch of what is past its clock, each kind by its own, oldest first; returns how many. Live and held ones wait (R-114)."""
    async with store.begin() as tx:
        due = await tx.kept_since(retention.before(Artefact.WORDS, now), limit=RETENTION_BATCH)
        for session_id in due:
            session = await tx.session(session_id, for_update=True)
            if session is not None:
                await _delete(tx, session, None, now)
        silent = await tx.recorded_before(retention.before(Artefact.RECORDING, now), limit=RETENTION_BATCH)
        for session_id in silent:
            await drop_recording(tx, session_id, None)
        exports = await tx.exports_before(retention.before(Artefact.EXPORT, now))
        for export_id in exports:
            await tx.enqueue(ERASE_EXPORT_JOB, export_id, {"exportId": export_id, "receiptId": None})
        await tx.drop_loose_deliveries(retention.before(Artefact.DELIVERY, now))
        return len(due) + len(silent)


async def drop_recording(tx: Tx, session_id: str, receipt_id: str | None) -> None:
    """Forget that there is a recording, and have it erased wherever it is."""
    session = await tx.session(session_id, for_update=True)
    if session is None:
        return
    await tx.save_session(replace(session, has_recording=False))
    key = f"{session_id}:{receipt_id or 'age'}"
    await tx.enqueue(ERASE_RECORDING_JOB, key, {"sessionId": session_id, "receiptId": receipt_id})


# Consent taken back -----------------------------------------------------------------------------------------------------
async def erase_withdrawn(store: Store, session_id: str, now: datetime) -> Receipt:
    """The receipt of a recording whose consent was taken back; a job erases it. The call was ended before."""
    async with store.begin() as tx:
        receipt = new_receipt("recording", now, await _copies(tx, session_id, words=False) | {"backups": BACKUPS})
        await tx.add_receipt(receipt, session_id)
        await drop_recording(tx, session_id, receipt.id)
        return receipt


# Jobs -------------------------------------------------------------------------------------------------------------------
async def purge_session(
    store: Store, recordings: RecordingStore, session_id: str, now: datetime, *, receipt_id: str | None = None
) -> None:
    """Remove what a deleted session left: key and recording first, then the rows, then vendors' copies. Safe to repeat."""
    if not await _erase_recording(store, recordings, session_id, receipt_id, now, also=WORDS):
        return
    async with store.begin() as tx:
        if await tx.held_back(session_id):
            return
        await tx.purge_session(session_id)
        await _enqueue_vendors(tx, session_id, receipt_id)
    await store.scrub()
    await _mark(store, receipt_id, {f"{session_id}/{WORDS}": Copy(TITLES[WORDS], HERE, CopyState.ERASED, now)})


async def erase_recording(
    store: Store, recordings: RecordingStore, session_id: str, now: datetime, *, receipt_id: str | None = None, again: int = 0
) -> None:
    """Erase a session's recording and nothing else of it. Safe to repeat. `again` counts the times its store was away."""
    if await _erase_recording(store, recordings, session_id, receipt_id, now, again=again):
        async with store.begin() as tx:
            await _enqueue_vendors(tx, session_id, receipt_id)
        await store.scrub()


async def _erase_recording(
    store: Store,
    recordings: RecordingStore,
    session_id: str,
    receipt_id: str | None,
    now: datetime,
    *,
    also: str = "",
    again: int = 0,
) -> bool:
    """False when a legal hold stops it. A store that is away is asked again in jobs of their own; the key is gone at once."""
    async with store.read() as tx:
        held = await tx.held_back(session_id)
    if held:
        lines = {
            f"{session_id}/{part}": Copy(TITLES[part], HERE, CopyState.HELD, now, HELD) for part in (RECORDING, also) if part
        }
        await _mark(store, receipt_id, lines)
        return False
    line = f"{session_id}/{RECORDING}"
    try:
        existed = await asyncio.to_thread(recordings.delete, session_id)
    except RecordingsAway as error:
        if again < len(VENDOR_WAITS):
            async with store.begin() as tx:
                payload = {"sessionId": session_id, "receiptId": receipt_id, "again": again + 1}
                key = f"{session_id}:{receipt_id or 'age'}:away:{again + 1}"
                await tx.enqueue(ERASE_RECORDING_JOB, key, payload, after_seconds=VENDOR_WAITS[again])
        else:
            logger.error("Objects of an erased recording are left in the store: {}", error.reason)
            await _mark(store, receipt_id, {line: Copy(TITLES[RECORDING], HERE, CopyState.FAILED, now, STORE_AWAY)})
        return True
    # The key of one that is asked again went at the first attempt.
    state = CopyState.ERASED if existed or again else CopyState.NOT_THERE
    await _mark(store, receipt_id, {line: Copy(TITLES[RECORDING], HERE, state, now)})
    return True


STORE_AWAY = "Its key is destroyed, so nobody can play it. The store that keeps the files did not answer within two days: who runs this server must delete them there."
HELD = "Who runs this server must keep it for now, because the law says so. It is hidden, and erased when that ends."


async def _enqueue_vendors(tx: Tx, session_id: str, receipt_id: str | None) -> None:
    for call in await tx.engine_calls(session_id):
        payload = {"engine": call.engine, "callId": call.id, "sessionId": session_id, "receiptId": receipt_id, "again": 0}
        await tx.enqueue(ERASE_COPY_JOB, f"{call.engine}:{call.id}:{receipt_id or 'age'}", payload)


async def erase_vendor_copy(
    store: Store, vendors: Mapping[str, VoiceVendor], engine: str, call_id: str, now: datetime,
    *, session_id: str, receipt_id: str | None, again: int = 0,
) -> None:  # fmt: skip
    """Have a vendor erase what it keeps of one call. One that does not answer is asked again, for two days, in jobs of their own."""
    key, name = f"{session_id}/{engine}/{call_id}", engine.capitalize()
    what = "Its recording and transcript of the call"
    vendor = vendors.get(engine)
    if vendor is None:
        note = f"This server has no key for {name} any more. Who runs it must delete call {call_id} there."
        await _mark(store, receipt_id, {key: Copy(what, name, CopyState.FAILED, now, note)})
        return
    try:
        existed = await vendor.erase(call_id)
    except UpstreamFailed as error:
        if again < len(VENDOR_WAITS):
            async with store.begin() as tx:
                payload = {
                    "engine": engine,
                    "callId": call_id,
                    "sessionId": session_id,
                    "receiptId": receipt_id,
                    "again": again + 1,
                }
                job = f"{engine}:{call_id}:{receipt_id or 'age'}:{again + 1}"
                await tx.enqueue(ERASE_COPY_JOB, job, payload, after_seconds=VENDOR_WAITS[again])
            return
        logger.error("A vendor's copy could not be erased: {}", error.reason)
        note = f"{name} did not confirm it within two days. Who runs this server must delete call {call_id} there."
        await _mark(store, receipt_id, {key: Copy(what, name, CopyState.FAILED, now, note)})
        return
    await _mark(store, receipt_id, {key: Copy(what, name, CopyState.ERASED if existed else CopyState.NOT_THERE, now)})


async def _mark(store: Store, receipt_id: str | None, lines: Mapping[str, Copy]) -> None:
    if receipt_id is not None:
        async with store.begin() as tx:
            await tx.mark_copies(receipt_id, lines)


# Legal hold -------------------------------------------------------------------------------------------------------------
async def hold(store: Store, session_id: str, reason: str, now: datetime) -> None:
    """Nothing of the interview is erased until `release`, whoever asks. Raises NotFound."""
    async with store.begin() as tx:
        await tx.hold_back(session_id, reason, now)


async def release(store: Store, session_id: str, now: datetime) -> bool:
    """End a hold; what was to be erased meanwhile is erased now. False when there was none."""
    async with store.begin() as tx:
        if not await tx.let_go(session_id):
            return False
        session = await tx.session(session_id, for_update=True)
        if session is None:
            raise NotFound("There is no such interview.")
        stamp = int(now.timestamp())
        waiting = {
            receipt.id: receipt.scope
            for receipt in [*await tx.receipts_about(session_id), *await tx.receipts_about(session.user_id)]
            if any(key.startswith(session_id) and copy.state is CopyState.HELD for key, copy in receipt.copies.items())
        }
        if session.status is SessionStatus.DELETED and not waiting:
            waiting[""] = "interview"
        for receipt_id, scope in waiting.items():
            kind = ERASE_RECORDING_JOB if scope == "recording" else PURGE_JOB
            payload = {"sessionId": session_id, "receiptId": receipt_id or None}
            await tx.enqueue(kind, f"{session_id}:released:{stamp}:{receipt_id[:8]}", payload)
        return True
