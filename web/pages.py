"""The pages: set-up, interview, report, history, privacy, API reference, errors. Jinja2 with autoescape; no inline script or style.

Each function gathers its template's context and nothing more. Read next: `templates/base.html`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import ceil
from typing import Any

from aiohttp import web

from bridge import __version__
from bridge.config import AuthMode
from bridge.domain.account import Role
from bridge.domain.catalog import DIFFICULTIES, TYPES, Difficulty, InterviewType, question_count
from bridge.domain.privacy import CONSENT, CONSENT_VERSION
from bridge.domain.reviewing import offered
from bridge.domain.session import ENDED
from bridge.domain.setup import LANGUAGES, MAX_DOCUMENT, FollowUpStyle, Mode, Pace, Voice
from bridge.usecases import calling, reviewing
from pipeline.voice.available import describe
from reporting.render import report_context

from . import language_model, openapi, payments, pdf, reports, schemas, troubles
from .auth import current, public, user_id
from .keys import DEMO, MAILER, MODEL, PERSON, RECORDINGS, SETTINGS, STORE
from .templating import template

PAGE_SIZE = 20
TITLES = {
    Voice.NEUTRAL: "Neutral",
    Voice.WARM: "Warm",
    Voice.DEEP: "Deep",
    Pace.SLOW: "Slow",
    Pace.MODERATE: "Moderate",
    Pace.FAST: "Fast",
    FollowUpStyle.LIGHT: "Light",
    FollowUpStyle.BALANCED: "Balanced",
    FollowUpStyle.DEEP_DIVE: "Deep dive",
    Mode.REAL: "Real, as in an exam",
    Mode.STUDY: "Study, with hints",
}
VOICE_VENDORS = {"vapi": "Vapi and its providers", "gemini": "Google Gemini"}
"""Who hears and speaks where it is not this machine."""
SHARED_GONE = {"headline": "This link does not work", "what_now": "Ask whoever sent it to you for a new one.", "guest": True}
"""A visitor by a share link has neither a history nor a server to look after."""
HEADLINES = {404: "Not here", 403: "Not allowed", 503: "Busy right now", 409: "Not now"}


def render(request: web.Request, template_name: str, status: int = 200, **context: Any) -> web.Response:
    """A page from its template."""
    context.setdefault("nav_links", [*payments.nav_links(request), *_staff_links(request)])
    html = template(template_name).render(
        version=__version__, demo=request.app[DEMO], path=request.path, me=request.get(PERSON), **context
    )
    return web.Response(text=html, content_type="text/html", status=status)


def _staff_links(request: web.Request) -> list[dict[str, str]]:
    person = request.get(PERSON)
    if person and person.may(Role.OPERATOR):
        return [{"href": "/operator", "slug": "operator", "title": "Operator"}]
    reviews = person and person.may(Role.REVIEWER) and offered(request.app.get(payments.TARIFF))
    return [{"href": "/operator/reviews", "slug": "operator", "title": "Reviews"}] if reviews else []


def error_page(request: web.Request, status: int, message: str, reference: str) -> web.Response:
    """What happened, what now, and a reference to quote."""
    headline = HEADLINES.get(status, "Something went wrong" if status >= 500 else "That did not work")
    more = SHARED_GONE if status == 404 and request.path.startswith("/share/") else {"headline": headline}
    return render(request, "error.html", status, message=message, reference=reference, code=status, **more)


async def _voice_labels(request: web.Request) -> dict[str, Any]:
    settings = request.app[SETTINGS]
    if vendor := VOICE_VENDORS.get(settings.engines[0]):
        return {"recogniser": vendor, "voice": vendor}
    voices = await asyncio.to_thread(describe, settings.recogniser.value, settings.speech.value)
    return {"recogniser": voices.recogniser, "voice": voices.voice}


def _choices(values: Any) -> list[dict[str, str]]:
    return [{"slug": value.value, "title": TITLES[value]} for value in values]


async def setup(request: web.Request) -> web.Response:
    """`/`: the five steps."""
    types = [
        {
            "slug": profile.type.value,
            "title": profile.title,
            "blurb": profile.blurb,
            "units": profile.units,
            "unit": profile.unit,
            "areas": [{"slug": slug, "title": title} for slug, title in profile.areas.items()],
        }
        for profile in TYPES.values()
    ]
    tariff = request.app.get(payments.TARIFF)
    difficulties = [
        {
            "slug": profile.difficulty.value,
            "title": profile.title,
            "blurb": profile.blurb,
            "min": profile.min_minutes,
            "max": profile.max_minutes,
            "default": profile.default_minutes,
            "questions": question_count(profile.difficulty, profile.default_minutes),
            "hints": profile.hints,
            **({"price": tariff.price(profile.difficulty).text} if tariff else {}),
        }
        for profile in DIFFICULTIES.values()
    ]
    async with request.app[STORE].read() as tx:
        rows, _ = await tx.history(user_id(request), page=1, limit=1)
        last = await tx.session(rows[0].session_id) if rows else None
        ad = await payments.advertisement(request, tx)
    return render(
        request,
        "setup.html",
        types=types,
        difficulties=difficulties,
        voices=_choices(Voice),
        paces=_choices(Pace),
        styles=_choices(FollowUpStyle),
        modes=_choices(Mode),
        languages=[{"slug": code, "title": LANGUAGES[code].title} for code in language_model.languages(request.app[SETTINGS])],
        documents=request.app[MODEL] is not None,
        fails={name for name, trouble in troubles.of(request.app).items() if trouble.failing},
        document_chars=MAX_DOCUMENT,
        payments_enabled=tariff is not None,
        voice_labels=await _voice_labels(request),
        last=last_choice(last.setup) if last else None,
        ad=ad,
    )


def last_choice(setup: Any) -> dict[str, Any]:
    """The last set-up, for "like last time"."""
    return {
        "type": setup.type.value,
        "difficulty": setup.difficulty.value,
        "duration": setup.duration_minutes,
        "focusAreas": list(setup.focus_areas),
        "specificRequirements": setup.specific_requirements,
        "voice": setup.voice.value,
        "pace": setup.pace.value,
        "followUpStyle": setup.follow_up_style.value,
        "mode": setup.mode.value,
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
    }


async def interview(request: web.Request) -> web.StreamResponse:
    """`/interviews/{id}`: pre-flight, then live; an interview that is over goes to its report."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
    if session.status in ENDED:
        raise web.HTTPSeeOther(f"/interviews/{session.id}/report")
    profile = TYPES[session.setup.type]
    return render(
        request,
        "interview.html",
        session={
            "id": session.id,
            "title": profile.title,
            "difficulty": DIFFICULTIES[session.setup.difficulty].title,
            "minutes": session.setup.duration_minutes,
            "questions": len(session.questions),
            "status": session.status.value,
            "study": session.setup.mode is Mode.STUDY,
        },
        voice_labels=await _voice_labels(request),
        consent={
            "words": CONSENT,
            "version": CONSENT_VERSION,
            "receivers": [name.capitalize() for name in request.app[SETTINGS].engines if name != "local"],
        },
        limits={"retention_days": request.app[SETTINGS].retention_days, "typed_chars": 8000},
    )


async def report(request: web.Request) -> web.Response:
    """`/interviews/{id}/report`: waiting, failed, none or ready."""
    async with request.app[STORE].read() as tx:
        session = await calling.owned(tx, user_id(request), request.match_info["session_id"])
        stored = await tx.report(session.id)
        body = await reports.placed(request.app, tx, session, stored) if stored else None
        mail = await tx.mail(session.id)
        reviews = await reviewing.offer(tx, session.user_id, request.app.get(payments.TARIFF), datetime.now(UTC))
        ad = await payments.advertisement(request, tx)
    # The recording may have been deleted since the report was written.
    playable = await asyncio.to_thread(request.app[RECORDINGS].has, session.id)
    context = report_context(body | {"recording": playable}) if body else {}
    return render(
        request,
        "report.html",
        **{
            "report": None,
            "session_id": session.id,
            "report_status": session.report_status.value,
            "session_status": session.status.value,
            "title": TYPES[session.setup.type].title,
            "difficulty_title": DIFFICULTIES[session.setup.difficulty].title,
            "can": {
                "pdf": await asyncio.to_thread(pdf.available),
                "mail": request.app[MAILER] is not None,
                "judge": request.app[MODEL] is not None,
            },
            "mail": mail,
            "reviews": reviews,
            "ad": ad,
            "mail_to": "" if request.app[SETTINGS].auth_mode is AuthMode.SINGLE else current(request).account.email,
            "unlock": "/plans" if payments.TARIFF in request.app else "",
        }
        | context,
    )


async def history(request: web.Request) -> web.Response:
    """`/history`: filter, page, delete."""
    query = schemas.validate(schemas.HistoryQuery, {**dict(request.query), "limit": PAGE_SIZE})
    async with request.app[STORE].read() as tx:
        rows, total = await tx.history(
            user_id(request),
            page=query.page,
            limit=PAGE_SIZE,
            type=query.type.value if query.type else None,
            difficulty=query.difficulty.value if query.difficulty else None,
        )
        ad = await payments.advertisement(request, tx)
    interviews = [
        {
            "session_id": row.session_id,
            "type_title": TYPES[InterviewType(row.type)].title,
            "difficulty_title": DIFFICULTIES[Difficulty(row.difficulty)].title,
            "score": row.score,
            "date_iso": row.date.isoformat(),
            "date_text": f"{row.date.day} {row.date:%b %Y, %H:%M} UTC",
            "duration_text": f"{row.duration_seconds // 60}:{row.duration_seconds % 60:02}",
            "status": row.status.value,
            "report_status": row.report_status.value,
        }
        for row in rows
    ]
    return render(
        request,
        "history.html",
        interviews=interviews,
        ad=ad,
        page=query.page,
        pages=max(1, ceil(total / PAGE_SIZE)),
        total=total,
        types=[{"slug": p.type.value, "title": p.title} for p in TYPES.values()],
        difficulties=[{"slug": p.difficulty.value, "title": p.title} for p in DIFFICULTIES.values()],
        filters={
            "type": query.type.value if query.type else "",
            "difficulty": query.difficulty.value if query.difficulty else "",
        },
    )


@public
async def api_docs(request: web.Request) -> web.Response:
    """`/api/docs`: the API, readable."""
    return render(request, "api_docs.html", operations=openapi.operations())
