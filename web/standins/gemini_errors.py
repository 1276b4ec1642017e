"""How Google says no: one exception, and the bodies and close frames it becomes.

The messages are Google's own words where a public report shows them, else in their style. Read next: `gemini_fields`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
RPC = "type.googleapis.com/google.rpc."
BARE = "Request contains an invalid argument."
"""All that current models say about a schema they cannot serve."""
UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
BAD_KEY = "API key not valid. Please pass a valid API key."
MAX_REASON_BYTES = 123
"""What a websocket close frame has room for."""


@dataclass(frozen=True)
class Violation:
    """One thing wrong with a request. `field` is a path as Google writes it, empty for the request itself."""

    field: str
    message: str


class GoogleError(Exception):
    """An answer that is an error. `details` are google.rpc messages; `retry_after` becomes the header, in seconds."""

    def __init__(
        self, code: int, message: str, details: Sequence[dict[str, Any]] = (), *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        """`{"error": {code, message, status, details?}}`."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": STATUSES.get(self.code, "UNKNOWN")}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers beside the body."""
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}


class LiveClose(Exception):
    """A Live session that Google ends: a close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    @property
    def message(self) -> bytes:
        """The reason, cut to what a close frame holds; Google cuts it too."""
        return self.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()


def bad_payload(violations: Sequence[Violation]) -> GoogleError:
    """The parser's refusal: unknown names and values of the wrong type."""
    fields = [{"field": v.field, "description": v.message} if v.field else {"description": v.message} for v in violations]
    details = [{"@type": f"{RPC}BadRequest", "fieldViolations": fields}]
    return GoogleError(400, "\n".join(v.message for v in violations), details)


def bad_request(violations: Sequence[Violation], message: str = "GenerateContentRequest") -> GoogleError:
    """The service's refusal: well-formed, and still not allowed."""
    lines = [f"* {message}.{v.field}: {v.message}" if v.field else v.message for v in violations]
    return GoogleError(400, "\n".join(lines) + "\n" if violations[0].field else lines[0])


def bad_key() -> GoogleError:
    """The key is not ours."""
    info = {
        "@type": f"{RPC}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return GoogleError(400, BAD_KEY, [info, {"@type": f"{RPC}LocalizedMessage", "locale": "en-US", "message": BAD_KEY}])


def no_model(name: str, version: str, method: str) -> GoogleError:
    """A model that does not exist, or does not do this."""
    message = (
        f"models/{name} is not found for API version {version}, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    return GoogleError(404, message)


def out_of_quota(model: str, *, seconds: float, retry_after: float | None, retry_info: bool, daily: bool) -> GoogleError:
    """Too many requests. `daily` is the quota that does not come back in `seconds`."""
    per = "Day" if daily else "Minute"
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_paid_tier_requests",
        "quotaId": f"GenerateRequestsPer{per}PerProjectPerModel",
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": "20",
    }
    details: list[dict[str, Any]] = [
        {"@type": f"{RPC}QuotaFailure", "violations": [violation]},
        {"@type": f"{RPC}Help", "links": [{"description": "Learn more about Gemini API quotas", "url": "https://ai.google.dev"}]},
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    if retry_info:
        details.append({"@type": f"{RPC}RetryInfo", "retryDelay": f"{seconds:g}s"})
        message += f" Please retry in {seconds:g}s."
    return GoogleError(429, message, details, retry_after=retry_after)
