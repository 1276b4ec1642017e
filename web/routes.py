"""Every URL, one table."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from aiohttp import web

from . import (
    account_pages,
    billing_pages,
    demo_checkout,
    health,
    money_pages,
    openapi,
    pages,
    privacy_pages,
    report_pages,
    share,
    sockets,
)
from .api import (
    account,
    after,
    documents,
    interviews,
    me,
    openid,
    payments,
    people,
    privacy,
    report,
    report_mail,
    sharing,
    sign_in,
)
from .webhooks import payments as payment_webhooks
from .webhooks import vapi

STATIC = Path(str(files("web"))) / "static"


def add(app: web.Application) -> None:
    """Add the routes."""
    app.add_routes(
        [
            web.get("/", pages.setup),
            web.get("/interviews/{session_id}", pages.interview),
            web.get("/interviews/{session_id}/report", pages.report),
            web.get("/history", pages.history),
            web.get("/progress", report_pages.progress),
            web.get("/sign-in", account_pages.sign_in),
            web.get("/sign-in/link", account_pages.link),
            web.get("/register", account_pages.register),
            web.get("/forgot", account_pages.forgot),
            web.get("/reset", account_pages.reset),
            web.get("/welcome", account_pages.welcome),
            web.get("/account", account_pages.account),
            web.get("/people", account_pages.people),
            web.get("/privacy", privacy_pages.privacy),
            web.get("/erasures/{receipt_id}", privacy_pages.erasure),
            web.get("/plans", billing_pages.plans),
            web.get("/billing", billing_pages.billing),
            web.get("/operator/money", money_pages.money),
            web.post("/api/operator/credits", money_pages.grant),
            web.post("/api/operator/payments/{payment_id}/refund", money_pages.refund),
            web.get("/payments/{payment_id}", billing_pages.payment),
            web.get("/demo-checkout/{ref}", demo_checkout.page),
            web.post("/demo-checkout/{ref}", demo_checkout.decide),
            web.post("/api/payments/create", payments.create),
            web.post("/api/payments/portal", payments.portal),
            web.get("/api/payments/{payment_id}", payments.show),
            web.post("/api/webhooks/stripe", payment_webhooks.receive),
            web.post("/api/webhooks/razorpay", payment_webhooks.receive),
            web.get("/api/docs", pages.api_docs),
            web.get("/api/openapi.json", openapi.openapi_json),
            web.post("/api/interviews/setup", interviews.create),
            web.post("/api/interviews/documents", documents.read),
            web.get("/api/interviews/history", interviews.history),
            web.get("/api/interviews/{session_id}", interviews.show),
            web.delete("/api/interviews/{session_id}", interviews.delete),
            web.post("/api/interviews/{session_id}/start", interviews.start),
            web.post("/api/interviews/{session_id}/complete", interviews.complete),
            web.get("/api/interviews/{session_id}/report", interviews.report),
            web.get("/api/interviews/{session_id}/recording", interviews.recording),
            web.post("/api/webhooks/vapi", vapi.receive),
            web.post("/api/vapi/tools", vapi.tools),
            web.post("/api/interviews/{session_id}/report", report.again),
            web.get("/api/interviews/{session_id}/report/versions", report.versions),
            web.get("/api/interviews/{session_id}/report/events", report.events, allow_head=False),
            web.get("/api/interviews/{session_id}/report.pdf", report.pdf_file),
            web.post("/api/interviews/{session_id}/questions/{order}/again", report.one_again),
            web.post("/api/interviews/{session_id}/review", report.review),
            web.post("/api/interviews/{session_id}/report/mail", report_mail.ask),
            web.get("/api/interviews/{session_id}/report/mail", report_mail.show),
            web.delete("/api/interviews/{session_id}/report/mail", report_mail.forget),
            web.get("/share/{token}", share.page),
            web.get("/share/{token}/recording", share.recording),
            web.post("/api/interviews/{session_id}/share", sharing.create),
            web.get("/api/interviews/{session_id}/share", sharing.show),
            web.delete("/api/interviews/{session_id}/share/{share_id}", sharing.revoke),
            web.post("/api/auth/login", sign_in.login),
            web.post("/api/auth/register", sign_in.register),
            web.post("/api/auth/setup", sign_in.set_up),
            web.post("/api/auth/logout", sign_in.logout),
            web.post("/api/auth/link", sign_in.ask_link),
            web.post("/api/auth/link/use", sign_in.use_link),
            web.post("/api/auth/reset", sign_in.ask_reset),
            web.post("/api/auth/reset/use", sign_in.use_reset),
            web.post("/api/auth/oidc", openid.leave),
            web.get("/auth/callback", openid.come_back),
            web.get("/api/me", account.show),
            web.patch("/api/me", account.rename),
            web.post("/api/me/password", account.password),
            web.get("/api/me/logins", account.logins),
            web.delete("/api/me/logins/{login_id}", account.revoke_login),
            web.get("/api/me/tokens", account.tokens),
            web.post("/api/me/tokens", account.make_token),
            web.delete("/api/me/tokens/{token_id}", account.revoke_token),
            web.get("/api/people", people.everybody),
            web.patch("/api/people/{user_id}", people.change),
            web.get("/api/invites", people.invites),
            web.post("/api/invites", people.invite),
            web.delete("/api/invites/{invite_id}", people.revoke_invite),
            web.get("/api/interviews/{session_id}/consent", privacy.show_consent),
            web.post("/api/interviews/{session_id}/consent", privacy.give_consent),
            web.delete("/api/interviews/{session_id}/consent", privacy.withdraw_consent),
            web.delete("/api/me", privacy.delete_me),
            web.get("/api/me/privacy", privacy.show_choices),
            web.post("/api/me/privacy", privacy.choose),
            web.post("/api/me/export", privacy.order_export),
            web.get("/api/me/export", privacy.list_exports),
            web.get("/api/me/export/{export_id}", privacy.show_export),
            web.get("/api/me/export/{export_id}/archive", privacy.archive),
            web.get("/api/erasures/{receipt_id}", privacy.show_receipt),
            web.post("/api/interviews/{session_id}/feedback", after.rate),
            web.get("/api/interviews/{session_id}/feedback", after.rated),
            web.get("/api/interviews/{session_id}/visits", after.visits),
            web.get("/api/me/statistics", me.statistics),
            web.get("/api/me/progress", me.progress),
            web.get("/ws/interviews/{session_id}", sockets.candidate),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.static("/static", STATIC),
        ]
    )


def add_evals(app: web.Application) -> None:
    """Add the socket of pipecat's evals harness."""
    app.router.add_get("/eval/interviews/{session_id}", sockets.evaluator)
