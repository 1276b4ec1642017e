"""Errors as HTTP: one table from error to status, one shape of body (contract §4).

{"error": {"code": "…", "message": "…", "details": …}}
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bridge.errors import (
    AtCapacity,
    BadSignature,
    BadTicket,
    CannotDecrypt,
    Conflict,
    InvalidInput,
    NotFound,
    NotInstalled,
    NotSignedIn,
    PaymentRequired,
    PrepkitError,
    Refused,
    UpstreamFailed,
    VoiceUnavailable,
)

STATUS: tuple[tuple[type[PrepkitError], int], ...] = (
    (InvalidInput, 400),
    (NotSignedIn, 401),
    (BadTicket, 401),
    (BadSignature, 401),
    (PaymentRequired, 402),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (AtCapacity, 503),
    (VoiceUnavailable, 503),
    (UpstreamFailed, 503),
    (NotInstalled, 501),
    (CannotDecrypt, 503),
)
CODES = {
    400: "bad_request",
    401: "unauthorised",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "rate_limited",
}
SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is larger than this server takes.",
    500: "Something went wrong on our side. Nothing was lost; try again.",
}


class FieldErrors(InvalidInput):
    """A body that was understood but breaks rules; `details` is a list of {field, message}."""

    code = "validation_failed"


def status_of(error: PrepkitError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, FieldErrors):
        return 422
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """The one shape of an error body."""
    return {"error": {"code": code, "message": message, "details": details}}


def response(error: PrepkitError) -> web.Response:
    """An error as JSON."""
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, AtCapacity) else None
    return web.json_response(body(error.code, error.message, error.details), status=status_of(error), headers=headers)


def kept_headers(error: web.HTTPException) -> dict[str, str]:
    """What a client needs of the headers of one of aiohttp's own refusals."""
    return {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}


def from_http(error: web.HTTPException) -> web.Response:
    """One of aiohttp's own refusals in our shape."""
    message = SENTENCES.get(error.status) or error.reason or "The request was refused."
    return web.json_response(
        body(CODES.get(error.status, "http_error"), message),
        status=error.status,
        headers=kept_headers(error),
        dumps=json.dumps,
    )
