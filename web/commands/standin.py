"""`prepkit standin NAME`: one of the vendors played on this machine until Ctrl-C. Read next: `web.standins`."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from bridge.errors import InvalidInput

from ..standins.gemini import GeminiStandin
from ..standins.gemini_faults import Fault
from ..standins.razorpay import RazorpayStandin
from ..standins.stripe import StripeStandin
from ..standins.vapi import VapiStandin
from ..standins.vapi_echo import Echo
from ..standins.vapi_faults import Faults
from ..standins.vapi_speech import Hears, hum, speak

GEMINI_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
READY = "The Vapi stand-in is ready on"


@dataclass(frozen=True)
class VapiChoice:
    """What the command line says."""

    port: int
    key: str
    faults: str
    hear: Hears
    hums: bool
    echo: Echo | None


def read_faults(text: str) -> Faults:
    """Faults from JSON. Raises InvalidInput with a sentence."""
    try:
        return Faults.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"These faults make no sense: {where + ': ' if where else ''}{first['msg']}.") from None


async def play_vapi(choice: VapiChoice) -> None:
    """Play Vapi until SIGINT or SIGTERM; the URL is printed last of all."""
    faults = read_faults(choice.faults)
    if not choice.hums and choice.echo is None:
        await speak("Hello.", 16_000)  # a missing voice is said now, not in the first call
    stop = _interrupted()
    voice = hum if choice.hums else speak
    async with VapiStandin(
        key=choice.key, port=choice.port, faults=faults, hear=choice.hear, speak=voice, echo=choice.echo or False
    ) as standin:
        print(f"A server that uses it: VAPI_API_KEY={choice.key} VAPI_BASE_URL={standin.url} prepkit serve")
        print(f"What it has seen: {standin.url}/standin/calls")
        print(f"{READY} {standin.url}", flush=True)
        await stop.wait()


async def play_stripe(port: int, key: str, webhook_url: str, webhook_secret: str) -> None:
    """Play Stripe until SIGINT or SIGTERM; the URL is printed last of all."""
    stop = _interrupted()
    async with StripeStandin(key=key, port=port, webhook_url=webhook_url, webhook_secret=webhook_secret) as standin:
        settings = f"STRIPE_SECRET_KEY={key} STRIPE_WEBHOOK_SECRET={webhook_secret} STRIPE_BASE_URL={standin.url}"
        print(f"A server that uses it: PREPKIT_PAYMENTS=stripe {settings} prepkit serve")
        print(f"What it has said: {standin.url}/standin/events")
        print(f"The Stripe stand-in is ready on {standin.url}", flush=True)
        await stop.wait()


async def play_razorpay(port: int, key_id: str, key_secret: str, webhook_url: str, webhook_secret: str) -> None:
    """Play Razorpay until SIGINT or SIGTERM; the URL is printed last of all."""
    stop = _interrupted()
    async with RazorpayStandin(
        key_id=key_id, key_secret=key_secret, port=port, webhook_url=webhook_url, webhook_secret=webhook_secret
    ) as standin:
        keys = f"RAZORPAY_KEY_ID={key_id} RAZORPAY_KEY_SECRET={key_secret} RAZORPAY_WEBHOOK_SECRET={webhook_secret}"
        print(f"A server that uses it: PREPKIT_PAYMENTS=razorpay {keys} RAZORPAY_BASE_URL={standin.url} prepkit serve")
        print(f"What it has said: {standin.url}/standin/events")
        print(f"The Razorpay stand-in is ready on {standin.url}", flush=True)
        await stop.wait()


async def play_gemini(port: int, key: str, faults: str) -> None:
    """Play Gemini, REST and Live, until SIGINT or SIGTERM; the URL is printed last of all."""
    try:
        struck = GEMINI_FAULTS.validate_json(faults)
    except ValidationError as error:
        raise InvalidInput(f"These faults make no sense: {error.errors()[0]['msg']}.") from None
    stop = _interrupted()
    async with GeminiStandin(key=key, port=port, faults=struck) as standin:
        print(f"A server that uses it: GEMINI_API_KEY={key} GEMINI_BASE_URL={standin.url} prepkit serve")
        print(f"What it has seen: {standin.url}/standin/requests")
        print(f"The Gemini stand-in is ready on {standin.url}", flush=True)
        await stop.wait()


def _interrupted() -> asyncio.Event:
    """Set by SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
