"""What the clients of hosted payment pages have in common: reading a kept event again, and which pages a browser may be sent to.

Read next: `stripe_checkout`, `razorpay`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidInput, UpstreamFailed
from ..ports import Hint

TROUBLE = "The payment provider cannot be reached just now. Nothing was charged by this; try again in a minute."


def hint_of(body: dict[str, Any], *, livemode: bool) -> Hint:
    """A kept event again; an id it does not have is empty. Raises InvalidInput."""
    try:
        return Hint(
            id=str(body["id"]),
            type=str(body["type"]),
            livemode=livemode,
            body=body,
            order_id=str(body.get("order") or ""),
            checkout_ref=str(body.get("checkout") or ""),
            payment_ref=str(body.get("payment") or ""),
            subscription_ref=str(body.get("subscription") or ""),
            customer_ref=str(body.get("customer") or ""),
        )
    except KeyError as missing:
        raise InvalidInput(f"The event has no {missing.args[0]}.") from None


def own_page(url: str, base_url: str, provider: str, domains: tuple[str, ...]) -> str:
    """A page's address: in a domain of the provider's over https, or on the host of its stand-in. Raises UpstreamFailed."""
    host = urlsplit(url).hostname or ""
    theirs = url.startswith("https://") and f".{host}".endswith(tuple(f".{domain}" for domain in domains))
    if host != (urlsplit(base_url).hostname or "") and not theirs:
        raise UpstreamFailed(TROUBLE, reason=f"{provider}_foreign_page")
    return url
