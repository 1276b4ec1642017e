"""Whether a webhook is Vapi's: a shared secret in a header, or an HMAC over the raw bytes; fail closed (vapi-protocol §5, R-122, C-26).

Which check failed is told by the caller's log, never by the answer. Everything raises BadSignature and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import BadSignature

TOLERANCE_SECONDS = 300
MILLISECONDS_FROM = 1e11
"""A timestamp above this is in milliseconds; the unit is not documented."""
SECRET_HEADER = "X-Vapi-Secret"  # noqa: S105 - A header's name, not a secret
TIMESTAMP = re.compile(r"[0-9]{1,17}(\.[0-9]{1,9})?")


@dataclass(frozen=True)
class HmacScheme:
    """An HMAC-SHA256 credential, as Vapi lets it be set up."""

    secrets: Sequence[str] = field(repr=False)
    header: str = "x-vapi-signature"
    timestamp_header: str = "x-vapi-timestamp"
    payload: str = "{timestamp}.{body}"
    encoding: str = "hex"
    prefix: str = ""


def verify(headers: Mapping[str, str], raw: bytes, *, secrets: Sequence[str], scheme: HmacScheme | None, now: float) -> str:
    """The scheme that matched: `secret`, `bearer` or `hmac`. `headers` ignore case; `now` is seconds since 1970. Raises BadSignature."""
    if _same(headers.get(SECRET_HEADER, ""), secrets):
        return "secret"
    bearer = headers.get("Authorization", "")
    if bearer[:7].lower() == "bearer " and _same(bearer[7:].strip(), secrets):
        return "bearer"
    if scheme is None or not any(scheme.secrets):
        raise BadSignature("no matching secret header")
    _verify_hmac(headers, raw, scheme, now)
    return "hmac"


def _same(given: str, secrets: Sequence[str]) -> bool:
    """Constant time; an empty header or an empty secret matches nothing."""
    data = _bytes(given)
    matches = [hmac.compare_digest(data, _bytes(secret)) for secret in secrets if secret]
    return bool(data) and any(matches)


def _bytes(text: str) -> bytes:
    """Bytes for any text: a header that was no UTF-8 holds lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _verify_hmac(headers: Mapping[str, str], raw: bytes, scheme: HmacScheme, now: float) -> None:
    signature = headers.get(scheme.header, "")
    timestamp = headers.get(scheme.timestamp_header, "")
    if not signature or not signature.isascii():
        raise BadSignature("no signature")
    if "{timestamp}" in scheme.payload:
        _check_time(timestamp, now)
    given = signature.removeprefix(scheme.prefix).encode()
    if scheme.encoding == "hex":
        given = given.lower()
    before, _, after = scheme.payload.replace("{timestamp}", timestamp).partition("{body}")
    message = _bytes(before) + raw + _bytes(after)
    matches = [hmac.compare_digest(given, _encoded(secret, message, scheme.encoding)) for secret in scheme.secrets if secret]
    if not any(matches):
        raise BadSignature("the signature does not match")


def _encoded(secret: str, message: bytes, encoding: str) -> bytes:
    digest = hmac.new(_bytes(secret), message, hashlib.sha256)
    return base64.b64encode(digest.digest()) if encoding == "base64" else digest.hexdigest().encode()


def _check_time(timestamp: str, now: float) -> None:
    if not TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("no sound timestamp")
    seconds = float(timestamp)
    seconds = seconds / 1000 if seconds > MILLISECONDS_FROM else seconds
    if abs(now - seconds) > TOLERANCE_SECONDS:
        raise BadSignature("the timestamp is too old or in the future")
