"""`/api/…/consent`, `/api/me/privacy`, `/api/me/export…`, `DELETE /api/me`, `/api/erasures/{id}`: a person's rights over what is kept (R-115…R-117, R-123, M9)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.domain.privacy import CONSENT, CONSENT_VERSION, Consent, Receipt
from bridge.domain.session import LIVE
from bridge.errors import Conflict, InvalidInput, NotFound
from bridge.ports import Export
from bridge.usecases import calling, consenting, privacy

from .. import exports, media, reports, schemas
from ..accounts import LETTER_JOB
from ..auth import public, user_id
from ..keys import JOBS, SETTINGS, STORE, SUPERVISOR
from .interviews import dump, json_body, rfc3339


def receivers(request: web.Request) -> list[str]:
    """Who hears the candidate beside this server."""
    return [name.capitalize() for name in request.app[SETTINGS].engines if name != "local"]


def consent_json(consent: Consent | None) -> dict[str, Any]:
    """What was agreed to, beside the words that count today."""
    return {
        "version": CONSENT_VERSION,
        "words": list(CONSENT),
        "given": None
        if consent is None
        else {
            "version": consent.version,
            "givenAt": rfc3339(consent.given_at),
            "withdrawnAt": rfc3339(consent.withdrawn_at),
            "receivers": list(consent.receivers),
            "training": consent.training,
        },
    }


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt, without ids of what was erased."""
    return {
        "id": receipt.id,
        "scope": receipt.scope,
        "state": receipt.state,
        "requestedAt": rfc3339(receipt.requested_at),
        "copies": [
            {"what": copy.what, "where": copy.where, "state": copy.state.value, "at": rfc3339(copy.at), "note": copy.note}
            for copy in receipt.copies.values()
        ],
    }


def receipt_link(receipt: Receipt) -> dict[str, str]:
    """Where the receipt is."""
    return {"id": receipt.id, "url": f"/erasures/{receipt.id}"}


# Consent ----------------------------------------------------------------------------------------------------------------
async def show_consent(request: web.Request) -> web.Response:
    """`GET /api/interviews/{sessionId}/consent`: the words, and what was agreed to."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        return web.json_response(consent_json(await tx.consent(session.id)))


async def give_consent(request: web.Request) -> web.Response:
    """`POST /api/interviews/{sessionId}/consent` → 201."""
    session_id = request.match_info["session_id"]
    async with request.app[STORE].read() as tx:
        await calling.owned(tx, user_id(request), session_id)
    wish = schemas.validate(schemas.ConsentRequest, await json_body(request))
    consent = await consenting.give(
        request.app[STORE], user_id(request), session_id, wish.version, receivers(request), datetime.now(UTC)
    )
    return web.json_response(consent_json(consent), status=201)


async def withdraw_consent(request: web.Request) -> web.Response:
    """`DELETE /api/interviews/{sessionId}/consent`: a live call ends at once, and what was recorded is destroyed."""
    session_id = request.match_info["session_id"]
    store, now = request.app[STORE], datetime.now(UTC)
    consent = await consenting.withdraw(store, user_id(request), session_id, now)
    await request.app[SUPERVISOR].end(session_id, "consent_withdrawn")
    async with store.read() as tx:
        session = await calling.owned(tx, user_id(request), session_id)
    if session.status in LIVE:
        await calling.finish(store, session_id, "consent_withdrawn", elapsed_ms=None, now=now)
    receipt = await privacy.erase_withdrawn(store, session_id, now)
    return web.json_response(consent_json(consent) | {"receipt": receipt_link(receipt)})


# Choices ----------------------------------------------------------------------------------------------------------------
async def show_choices(request: web.Request) -> web.Response:
    """`GET /api/me/privacy`."""
    async with request.app[STORE].read() as tx:
        allowed = await tx.training(user_id(request))
    return web.json_response({"training": allowed})


async def choose(request: web.Request) -> web.Response:
    """`POST /api/me/privacy`: counts for interviews that begin from now on."""
    wish = schemas.validate(schemas.PrivacyChoices, await json_body(request))
    async with request.app[STORE].begin() as tx:
        await tx.choose_training(user_id(request), allowed=wish.training, now=datetime.now(UTC))
    return web.json_response(dump(wish))


# Export -----------------------------------------------------------------------------------------------------------------
def export_json(export: Export) -> dict[str, Any]:
    """An archive as its person sees it."""
    return {
        "exportId": export.id,
        "status": export.state,
        "requestedAt": rfc3339(export.made_at),
        "finishedAt": rfc3339(export.finished_at),
        "size": export.size,
        "url": f"/api/me/export/{export.id}/archive" if export.state == "ready" else None,
    }


async def order_export(request: web.Request) -> web.Response:
    """`POST /api/me/export` → 202."""
    await json_body(request)
    made = await exports.order(request.app[STORE], user_id(request), datetime.now(UTC))
    return web.json_response(export_json(made), status=202, headers={"Location": f"/api/me/export/{made.id}"})


async def list_exports(request: web.Request) -> web.Response:
    """`GET /api/me/export`: newest first."""
    async with request.app[STORE].read() as tx:
        found = await tx.exports(user_id(request))
    return web.json_response({"exports": [export_json(export) for export in found]})


async def show_export(request: web.Request) -> web.Response:
    """`GET /api/me/export/{exportId}`."""
    export = await exports.owned(request.app[STORE], user_id(request), request.match_info["export_id"])
    return web.json_response(export_json(export))


async def archive(request: web.Request) -> web.StreamResponse:
    """`GET /api/me/export/{exportId}/archive`: the ZIP, ranges honoured."""
    export = await exports.owned(request.app[STORE], user_id(request), request.match_info["export_id"])
    if export.state != "ready":
        raise Conflict("The archive is not ready yet.")
    found = await asyncio.to_thread(request.app[exports.ARCHIVES].find, export.id)
    if found is None:
        raise NotFound("The archive is gone. Have another made.")
    return await media.send(request, found, disposition=f'attachment; filename="prepkit-{export.made_at:%Y-%m-%d}.zip"')


# Erasure ----------------------------------------------------------------------------------------------------------------
async def delete_me(request: web.Request) -> web.Response:
    """`DELETE /api/me` with `{confirm: true}`: live calls end, all is hidden at once and erased by jobs."""
    if (await json_body(request)).get("confirm") is not True:
        raise InvalidInput('Nothing was deleted. Send {"confirm": true} to delete the account and everything in it.')
    store, person = request.app[STORE], user_id(request)
    async with store.read() as tx:
        ids = await tx.sessions_of(person)
    for session_id in ids:
        await request.app[SUPERVISOR].end(session_id)
    receipt = await privacy.delete_account(store, person, datetime.now(UTC))
    await request.app[JOBS].forget(LETTER_JOB, datetime.now(UTC))
    request.app[reports.GROUPS].clear()
    request.app[reports.TOTALS].clear()
    return web.json_response({"deleted": True, "receipt": receipt_link(receipt)})


async def found_receipt(request: web.Request) -> Receipt:
    """Whoever has the link may see it. Raises NotFound."""
    async with request.app[STORE].read() as tx:
        receipt = await tx.receipt(request.match_info["receipt_id"])
    if receipt is None:
        raise NotFound("There is no such receipt.")
    return receipt


@public
async def show_receipt(request: web.Request) -> web.Response:
    """`GET /api/erasures/{receiptId}`: what became of each copy; no signing in, for nobody can any more."""
    return web.json_response(receipt_json(await found_receipt(request)))
