"""What may be kept of a vendor's message: without secrets, signed links and phone numbers, without characters no database takes, bounded (vapi-protocol §6).

`redact` is idempotent, so that a stored body is read like the one that came. Read next: `vapi_messages`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ..errors import InvalidInput

HIDDEN = "[removed]"
LEFT_OUT = "[left out]"
MAX_DEPTH = 32
MAX_KEPT = 1024 * 1024
"""Characters of JSON that are kept of one message; an hour's account has about a tenth."""
MAX_KEPT_STRING = 20_000
MAX_KEPT_ITEMS = 2_000
SECRET = re.compile(
    r"(?i)^(url|.*secret(key)?|.*api_?key|.*(auth|access)_?token|.*password|.*authorization|headers|credentials|presigned.*)$|^.+Ur[il]$"
)
"""Keys whose value opens something: each is replaced whole. `…Url` and `…Uri` in camel case: links to sockets, controls, recordings, logs."""
PERSONAL = {"phoneNumber": None, "customer": frozenset({"number", "email", "sipUri"})}
"""Objects of which everything, or these, tells who somebody is."""
SOCKET_URL = re.compile(r"wss?://\S+")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SPARE = (
    ("assistant",),
    ("call", "assistant"),
    ("call", "assistantOverrides"),
    ("messagesOpenAIFormatted",),
    ("artifact", "messagesOpenAIFormatted"),
    ("conversation",),
    ("messages",),
    ("transcript",),
)
"""Copies of what stands elsewhere as well: left out first where a message is too big."""


def read(data: str | bytes) -> Any:
    """The JSON value, cleaned. Raises InvalidInput. Lenient where `strict_json` is strict: a vendor does not send it again."""
    try:
        return _clean(json.loads(data), 0)
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not JSON.") from None


def read_object(data: str | bytes) -> dict[str, Any]:
    """The JSON object of a message, cleaned. Raises InvalidInput."""
    value = read(data)
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    return value


def clean_object(value: dict[str, Any]) -> dict[str, Any]:
    """A copy that can be stored: no NUL, no lone surrogate, no infinite number, nothing deeper than 32 levels."""
    cleaned: dict[str, Any] = _clean(value, 0)
    return cleaned


def clean_text(text: str) -> str:
    """The text without NUL and lone surrogates."""
    return UNSTORABLE.sub("", text)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {clean_text(str(k)): _clean(item, depth + 1) for k, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value


def redact(body: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a message: secrets, signed links and phone numbers replaced, nothing else lost unless it is too big."""
    kept: dict[str, Any] = _hide(clean_object(body))
    return kept if _size(kept) <= MAX_KEPT else _shortened(kept)


def _hide(value: Any, personal: frozenset[str] | None = frozenset()) -> Any:
    """`personal`: keys to be hidden here because of the object this is; None for all of them."""
    if isinstance(value, dict):
        return {k: _veil(v) if _is_secret(k, personal) else _hide(v, PERSONAL.get(k, frozenset())) for k, v in value.items()}
    if isinstance(value, list):
        return [_hide(item, personal) for item in value]
    if isinstance(value, str) and (personal is None or SOCKET_URL.fullmatch(value)):
        return _veil(value)
    return value


def _is_secret(key: str, personal: frozenset[str] | None) -> bool:
    return personal is None or key in personal or SECRET.match(key) is not None


def _veil(value: Any) -> Any:
    """That there was a value stays known: an empty one is left as it is."""
    return value if value is None or isinstance(value, bool) or value in ("", [], {}) else HIDDEN


def _shortened(kept: dict[str, Any]) -> dict[str, Any]:
    """Copies out first, then long texts and lists cut; in the end only what names it."""
    message = kept["message"] if isinstance(kept.get("message"), dict) else kept
    for path in SPARE:
        _leave_out(message, path)
        if _size(kept) <= MAX_KEPT:
            return kept
    cut: dict[str, Any] = _cut(kept)
    if _size(cut) <= MAX_KEPT:
        return cut
    call = message.get("call")
    name = {"type": message.get("type"), "call": {"id": call.get("id")} if isinstance(call, dict) else None}
    return {"message": _cut(name)} if message is not kept else _cut({k: kept.get(k) for k in ("type", "callId")})


def _leave_out(message: dict[str, Any], path: tuple[str, ...]) -> None:
    *parents, last = path
    holder: Any = message
    for key in parents:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(holder, dict) and last in holder:
        holder[last] = LEFT_OUT


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_KEPT_STRING]
    if isinstance(value, dict):
        return {k[:200]: _cut(item) for k, item in list(value.items())[:MAX_KEPT_ITEMS]}
    return [_cut(item) for item in value[:MAX_KEPT_ITEMS]] if isinstance(value, list) else value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))
