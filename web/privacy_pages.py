"""The privacy page, made from the running configuration; a person's own data on the account page; the receipt of an erasure (R-116, R-124, C-54, M9)."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bridge.config import AuthMode, Payments, Settings
from bridge.domain.privacy import CONSENT, TRAINING, Artefact, CopyState
from bridge.domain.reviewing import offered
from pipeline.voice.available import describe

from . import exports
from .api.privacy import export_json, found_receipt
from .auth import public, user_id
from .keys import DEMO, MODEL, SETTINGS, STORE
from .pages import render

HERE = "This server"
GEMINI_TERMS = {
    "paid": "This server's key is a paid one: Google's terms say that it does not train on what is sent with it.",
    "free": "This server's key is a free one: Google's terms let it use what is sent to improve its products, people included who read it.",
    "": "With a paid key Google's terms say that it does not train on it; with a free one it may. Who runs this server has not said which it is.",
}
ARTEFACTS = {
    Artefact.RECORDING: "Recordings, with any copy at a voice service",
    Artefact.WORDS: "Transcripts, reports, choices, documents",
    Artefact.EXPORT: "Archives made for download",
}
STATES = {
    CopyState.PENDING: "In progress",
    CopyState.ERASED: "Erased",
    CopyState.NOT_THERE: "There was none",
    CopyState.FAILED: "Not confirmed",
    CopyState.KEPT: "Stays",
    CopyState.HELD: "Held by law",
}
HEADLINES = {
    "pending": "Being erased",
    "held": "Held by law",
    "failed": "Erased, with a rest to be done by hand",
    "complete": "Erased",
}


async def processors(settings: Settings, *, has_model: bool) -> list[dict[str, str]]:
    """Everybody who handles something, as this server is set up: who, what, when, and what becomes of it there."""
    relayed = settings.engines[0] == "vapi"
    gemini_live = "gemini" in settings.engines
    voices = await asyncio.to_thread(describe, settings.recogniser.value, settings.speech.value)
    own = "Interview, recording, transcript and report."
    if not relayed:
        own += f" Speech is recognised by {voices.recogniser}, spoken by {voices.voice}."
    found = [{"name": HERE, "what": own, "when": "Always.", "then": "Kept as the table below says. Recordings are encrypted."}]
    if relayed:
        found.append(
            {
                "name": "Vapi, and the providers of recognition, language model and voice behind it",
                "what": "Your voice, the questions, and what you noted for the interviewer at set-up; not your name.",
                "when": "During every interview.",
                "then": "It keeps a recording and a transcript. When yours is erased here, it is told to erase them, and the receipt says whether it did.",
            }
        )
    if has_model or gemini_live:
        what = (
            "Your choices and wishes, the CV and job description you give, questions, and your answers in writing; not your name."
        )
        found.append(
            {
                "name": "Google (Gemini)",
                "what": f"Your voice. {what}" if gemini_live else what,
                "when": "When an interview is made, while it is held, and when its report is written.",
                "then": GEMINI_TERMS[settings.gemini_plan],
            }
        )
    if offered(settings.tariff):
        found.append(
            {
                "name": "A person who reviews for this server",
                "what": "The questions, your words in writing and the report; not your name and not the recording.",
                "when": "Only when you ask for a review of an interview.",
                "then": "What they write is kept with the report, and goes when the interview is deleted. You see every look they take.",
            }
        )
    if settings.payments in (Payments.STRIPE, Payments.RAZORPAY):
        name = settings.payments.value.capitalize()
        found.append(
            {
                "name": name,
                "what": "What you buy and what it costs. Your card's number goes to them and never comes here.",
                "when": "When you pay.",
                "then": f"{name} is bound to keep payments as the law says; deleting your account here does not delete them there.",
            }
        )
    if settings.auth_mode is AuthMode.OIDC:
        found.append(
            {
                "name": settings.oidc_name,
                "what": "That you sign in here.",
                "when": "When you sign in.",
                "then": "As its own policy says.",
            }
        )
    if settings.smtp_url:
        found.append(
            {
                "name": "The server that sends this server's e-mail",
                "what": "Your address and the letter: a link to sign in, or that a report or a review is ready. No words of an interview.",
                "when": "When you ask for a letter.",
                "then": "A letter that was sent cannot be called back.",
            }
        )
    found.append(
        {
            "name": "Your browser's maker",
            "what": "Your voice, if you choose the browser's own speech recognition.",
            "when": "Only when you switch it on before an interview.",
            "then": "As its own policy says.",
        }
    )
    return found


@public
async def privacy(request: web.Request) -> web.Response:
    """`/privacy`: who handles what, what is kept for how long, what was agreed to, how to export and delete."""
    settings = request.app[SETTINGS]
    retention = settings.retention
    return render(
        request,
        "privacy.html",
        providers=await processors(settings, has_model=request.app[MODEL] is not None),
        kept=[{"what": what, "days": retention.days(artefact)} for artefact, what in ARTEFACTS.items()],
        words=CONSENT,
        training=TRAINING,
        paid=settings.payments is not Payments.OFF,
        single=settings.auth_mode is AuthMode.SINGLE,
        demonstration=request.app[DEMO],
    )


async def own_data(request: web.Request) -> dict[str, Any]:
    """What the section of the account page shows."""
    async with request.app[STORE].read() as tx:
        person = user_id(request)
        made, allowed = await tx.exports(person), await tx.training(person)
    shown = [
        export_json(export)
        | {"when": f"{export.made_at.day} {export.made_at:%B %Y, %H:%M} UTC", "megabytes": f"{(export.size or 0) / 1e6:.1f}"}
        for export in made[:5]
    ]
    days = request.app[SETTINGS].retention.export
    return {
        "exports": shown,
        "training": allowed,
        "training_words": TRAINING,
        "export_days": days,
        "paid": request.app[SETTINGS].payments is not Payments.OFF,
        "minutes": exports.GIVE_UP_MINUTES,
    }


@public
async def erasure(request: web.Request) -> web.Response:
    """`/erasures/{receiptId}`: the receipt, for whoever has its address."""
    receipt = await found_receipt(request)
    copies = [
        {
            "what": copy.what,
            "where": copy.where,
            "state": copy.state.value,
            "words": STATES[copy.state],
            "when": f"{copy.at.day} {copy.at:%b %Y, %H:%M} UTC" if copy.at else "",
            "note": copy.note,
        }
        for copy in receipt.copies.values()
    ]
    order = list(STATES)
    copies.sort(key=lambda copy: order.index(CopyState(copy["state"])))
    return render(
        request,
        "erasure.html",
        headline=HEADLINES[receipt.state],
        state=receipt.state,
        scope=receipt.scope,
        requested=f"{receipt.requested_at.day} {receipt.requested_at:%B %Y, %H:%M} UTC",
        copies=copies,
    )
