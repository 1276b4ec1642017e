"""`/api/openapi.json`, made from the route table and the pydantic bodies; `operations` is the same for the readable page."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from bridge import __version__

from . import account_schemas, schemas
from .auth import public
from .operator import operations as operator

ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}
SCHEMAS = {"order": {"type": "integer", "minimum": 1}}
"""Of path parameters that are no UUID."""
Operation = tuple[str, str, str, type[BaseModel] | None, dict[int, type[BaseModel] | str]]
OPERATIONS: tuple[Operation, ...] = (
    *operator.OPERATIONS,
    ("POST", "/api/interviews/setup", "Make an interview from a choice", schemas.SetupRequest, {201: schemas.SetupResponse}),
    (
        "POST",
        "/api/interviews/documents",
        "Text of an uploaded PDF (form field `file`), not stored",
        None,
        {200: schemas.DocumentResponse},
    ),
    ("GET", "/api/interviews/history", "The candidate's interviews, newest first", None, {200: schemas.HistoryResponse}),
    ("GET", "/api/interviews/{session_id}", "One interview with its transcript so far", None, {200: "The interview"}),
    ("DELETE", "/api/interviews/{session_id}", "Hide it at once and purge it", None, {200: "`{deleted: true, receipt}`"}),
    (
        "POST",
        "/api/interviews/{session_id}/start",
        "Start or resume: a socket URL and its token",
        schemas.StartRequest,
        {200: schemas.StartResponse},
    ),
    (
        "POST",
        "/api/interviews/{session_id}/complete",
        "End it and have the report written",
        None,
        {202: schemas.CompleteResponse},
    ),
    (
        "GET",
        "/api/interviews/{session_id}/report",
        "The report",
        None,
        {
            200: "The report; with `?version=` an older one",
            202: "`{reportStatus, step}`: being written; while answers are judged `stepName`, `done`, `of` and the first `strengths` too",
        },
    ),
    ("GET", "/api/interviews/{session_id}/recording", "Two-channel WAV, ranges honoured", None, {200: "audio/wav"}),
    (
        "POST",
        "/api/interviews/{session_id}/report",
        "Have a report that could not be written tried again, or a finished one graded again beside the old one",
        None,
        {202: "`{reportStatus, step}`"},
    ),
    (
        "GET",
        "/api/interviews/{session_id}/report/versions",
        "Every version of the report: what it was made by and what it came to",
        None,
        {200: "`{versions: [{version, reportId, generatedAt, generatedBy, overallScore, spread}]}`, oldest first"},
    ),
    (
        "GET",
        "/api/interviews/{session_id}/report.pdf",
        "The report as a PDF",
        None,
        {200: "application/pdf", 501: "`not_installed`: what this server lacks for it"},
    ),
    (
        "GET",
        "/api/interviews/{session_id}/report/events",
        "Server-sent events while the report is written",
        None,
        {
            200: "text/event-stream: `step` {reportStatus, step, stepName, done, of} …, `strength` {order, text, quote} for each of the first "
            "ones, then `end` {reportStatus}"
        },
    ),
    (
        "POST",
        "/api/interviews/{session_id}/questions/{order}/again",
        "Answer one question again: a short interview of it alone, its report set beside the first answer",
        None,
        {201: "`{sessionId, status}`"},
    ),
    (
        "POST",
        "/api/interviews/{session_id}/review",
        "Have a person review the interview, where the plan includes it; the scores then stand beside the model's",
        None,
        {202: "`{review}`: its place in the queue; a repeat finds it there"},
    ),
    (
        "POST",
        "/api/interviews/{session_id}/report/mail",
        "Have a letter sent when the report is ready",
        schemas.MailRequest,
        {202: "`{mail}`: the wish as it stands", 501: "`not_installed`: this server sends no e-mail"},
    ),
    ("GET", "/api/interviews/{session_id}/report/mail", "The wish, and whether the letter was sent", None, {200: "`{mail}`"}),
    ("DELETE", "/api/interviews/{session_id}/report/mail", "Take the wish back", None, {200: "`{forgotten: true}`"}),
    (
        "POST",
        "/api/interviews/{session_id}/share",
        "Give a link to the report away; its address is told this once",
        schemas.ShareRequest,
        {201: schemas.ShareResponse},
    ),
    ("GET", "/api/interviews/{session_id}/share", "Links given away", None, {200: "`{links: […]}`, without addresses"}),
    ("DELETE", "/api/interviews/{session_id}/share/{share_id}", "Take a link back at once", None, {200: "`{revoked: true}`"}),
    (
        "GET",
        "/api/interviews/{session_id}/consent",
        "The words of the consent, and what was agreed to",
        None,
        {200: "`{version, words, given}`"},
    ),
    (
        "POST",
        "/api/interviews/{session_id}/consent",
        "Agree, before the first start",
        schemas.ConsentRequest,
        {201: "`{version, words, given}`"},
    ),
    (
        "DELETE",
        "/api/interviews/{session_id}/consent",
        "Take it back: a live call ends, what was recorded is destroyed",
        None,
        {200: "`{version, words, given, receipt}`"},
    ),
    ("GET", "/api/me/privacy", "What the person chose", None, {200: schemas.PrivacyChoices}),
    (
        "POST",
        "/api/me/privacy",
        "Allow or forbid training with interviews from now on",
        schemas.PrivacyChoices,
        {200: schemas.PrivacyChoices},
    ),
    ("POST", "/api/me/export", "Have an archive made of everything kept about the person", None, {202: "The archive, `waiting`"}),
    ("GET", "/api/me/export", "Archives, newest first", None, {200: "`{exports: […]}`"}),
    ("GET", "/api/me/export/{export_id}", "One archive: `waiting`, `ready` or `failed`", None, {200: "The archive"}),
    (
        "GET",
        "/api/me/export/{export_id}/archive",
        "Its ZIP: JSON, recordings, reports as PDF; ranges honoured",
        None,
        {200: "application/zip"},
    ),
    (
        "DELETE",
        "/api/me",
        "Erase the account and everything in it; the body is `{confirm: true}`",
        None,
        {200: "`{deleted: true, receipt}`"},
    ),
    ("GET", "/api/erasures/{receipt_id}", "What became of each copy that was to be erased", None, {200: "The receipt"}),
    ("GET", "/api/me/statistics", "Totals, averages, best and trend, by type", None, {200: "The numbers"}),
    (
        "GET",
        "/api/me/progress",
        "Trends by type, skill and area, weaknesses that come back, comparison",
        None,
        {200: "Over the newest fifty interviews"},
    ),
    (
        "POST",
        "/api/payments/create",
        "Open a checkout page for an interview or a plan",
        schemas.PaymentRequest,
        {200: schemas.PaymentResponse},
    ),
    ("GET", "/api/payments/{payment_id}", "How a payment stands", None, {200: "The payment"}),
    ("POST", "/api/payments/portal", "The provider's page where a plan is changed or ended", None, {200: "`{url}`"}),
    (
        "POST",
        "/api/operator/credits",
        "Give a person credit (admin)",
        schemas.CreditRequest,
        {201: "`{granted, balance, currency}`"},
    ),
    ("POST", "/api/operator/payments/{payment_id}/refund", "Give a payment back, once (admin)", None, {202: "`{asked}`"}),
    (
        "POST",
        "/api/operator/vouchers",
        "Make a voucher; its code is told this once (admin)",
        schemas.VoucherRequest,
        {201: "`{id, code, amount, currency, uses, expiresAt}`"},
    ),
    (
        "POST",
        "/api/operator/vouchers/{voucher_id}/end",
        "Let nobody use a voucher any more (admin)",
        None,
        {200: "`{ended: true}`"},
    ),
    (
        "POST",
        "/api/billing/voucher",
        "Use a voucher, once",
        schemas.CodeRequest,
        {201: "`{granted, balance, currency}`"},
    ),
    (
        "POST",
        "/api/billing/referral",
        "Say who brought you here: within thirty days and before the first payment",
        schemas.CodeRequest,
        {201: "`{said: true}`"},
    ),
    (
        "POST",
        "/api/webhooks/stripe",
        "Stripe's events; signed, kept before the answer",
        None,
        {200: "`{received: true}`"},
    ),
    (
        "POST",
        "/api/webhooks/razorpay",
        "Razorpay's events; signed, kept before the answer",
        None,
        {200: "`{received: true}`"},
    ),
    (
        "POST",
        "/api/webhooks/vapi",
        "Vapi's server messages, tool calls included, and flat `call.*` events; authenticated by header or HMAC",
        None,
        {200: "`{received: true}`, or `{results: […]}` for tool calls"},
    ),
    ("POST", "/api/vapi/tools", "Vapi's tool calls; authenticated by header or HMAC", None, {200: "`{results: […]}`"}),
    *account_schemas.OPERATIONS,
)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    components: dict[str, Any] = {"Error": ERROR}
    paths: dict[str, Any] = {}

    def ref(model: type[BaseModel]) -> dict[str, str]:
        schema = _schema(model)
        components.update(schema.pop("$defs", {}))
        components[model.__name__] = schema
        return {"$ref": f"#/components/schemas/{model.__name__}"}

    for method, path, summary, body, answers in OPERATIONS:
        responses: dict[str, Any] = {
            "default": {
                "description": "Refused",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }
        }
        for status, answer in answers.items():
            described = {"description": answer if isinstance(answer, str) else answer.__name__}
            if not isinstance(answer, str):
                responses[str(status)] = described | {"content": {"application/json": {"schema": ref(answer)}}}
            else:
                responses[str(status)] = described
        operation: dict[str, Any] = {"summary": summary, "responses": responses}
        if body:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
        if names := re.findall(r"{(\w+)}", path):
            operation["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": SCHEMAS.get(name, {"type": "string", "format": "uuid"})}
                for name in names
            ]
        if path.endswith("/history"):
            operation["parameters"] = [
                {"name": name, "in": "query", "required": False, "schema": field}
                for name, field in _schema(schemas.HistoryQuery)["properties"].items()
            ]
            components.update(_schema(schemas.HistoryQuery).get("$defs", {}))
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "PrepKit Voice Bridge", "version": __version__},
        "paths": paths,
        "components": {"schemas": components},
    }


def operations() -> list[dict[str, Any]]:
    """The operations for the readable page: method, path, summary, request and response fields."""

    def fields(model: type[BaseModel] | None) -> list[dict[str, str]]:
        if model is None:
            return []
        return [
            {"name": info.alias or name, "description": info.description or "", "required": "yes" if info.is_required() else "no"}
            for name, info in model.model_fields.items()
        ]

    return [
        {
            "method": method,
            "path": path,
            "summary": summary,
            "request": fields(body),
            "responses": [
                {
                    "status": status,
                    "description": answer if isinstance(answer, str) else "",
                    "fields": fields(None if isinstance(answer, str) else answer),
                }
                for status, answer in answers.items()
            ],
        }
        for method, path, summary, body, answers in OPERATIONS
    ]


@public
async def openapi_json(request: web.Request) -> web.Response:
    """`GET /api/openapi.json`."""
    return web.json_response(document())
