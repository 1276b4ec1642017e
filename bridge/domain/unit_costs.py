"""What a language model's tokens cost, with the day from which each price holds (C-02, C-05).

US dollars for a million tokens, which is the same number as millionths of a dollar for one token. Thinking is billed as output. Prices
are the vendors' list prices as of 2026-11-25; a changed one is a new line here. Read next: `bridge.usecases.model_costs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class TokenPrice:
    """Micro-dollars for one token, from a day on."""

    model: str
    since: date
    tokens_in: float
    tokens_out: float


CURRENCY = "USD"
TOKEN_PRICES: tuple[TokenPrice, ...] = (
    TokenPrice("gemini-2.5-pro", date(2025, 6, 17), 1.25, 10.0),
    TokenPrice("gemini-3.1-pro-preview", date(2026, 2, 19), 2.0, 12.0),
    TokenPrice("gemini-3.1-flash-lite", date(2026, 5, 7), 0.25, 1.50),
    TokenPrice("gemini-3.5-flash-lite", date(2026, 7, 21), 0.30, 2.50),
    TokenPrice("gemini-3.6-flash", date(2026, 7, 21), 1.50, 7.50),
    # Introductory prices, each with the line that follows it.
    TokenPrice("gemini-3.8-flash", date(2026, 9, 2), 0.75, 3.75),
    TokenPrice("gemini-3.8-flash", date(2027, 1, 1), 1.50, 7.50),
    TokenPrice("gemini-4-argon", date(2026, 10, 13), 2.0, 10.0),
    TokenPrice("gemini-4-argon", date(2026, 12, 1), 4.0, 20.0),
)


def token_price(model: str, on: date) -> TokenPrice | None:
    """The price of a model's tokens on a day, or None when the table does not know the model."""
    name = model.removeprefix("models/")
    known = [price for price in TOKEN_PRICES if price.model == name]
    held = [price for price in known if price.since <= on] or known[:1]
    return held[-1] if held else None


def dearest(on: date) -> TokenPrice:
    """The highest price of the table on a day: an upper bound for a model that is not in it."""
    prices = [price for name in {p.model for p in TOKEN_PRICES} if (price := token_price(name, on)) is not None]
    return max(prices, key=lambda price: price.tokens_out)


@dataclass(frozen=True)
class LivePrice:
    """Micro-dollars for one token of a model that hears and speaks, by what the token stands for, from a day on."""

    model: str
    since: date
    text_in: float
    audio_in: float
    text_out: float
    audio_out: float
    sound_printed: bool = True
    """False while the vendor prints no price for sound: what is booked for it is an estimate."""


LIVE_PRICES: tuple[LivePrice, ...] = (
    LivePrice("gemini-2.5-flash-native-audio-preview-12-2025", date(2025, 12, 12), 0.50, 3.0, 2.0, 12.0),
    LivePrice("gemini-3.1-flash-live-preview", date(2026, 3, 26), 0.75, 3.0, 4.50, 12.0),
    # Of this one only the price of text was found in print; sound is taken at what the generation before it costs.
    LivePrice("gemini-3.8-live", date(2026, 9, 2), 0.75, 3.0, 4.50, 12.0, sound_printed=False),
)


def live_price(model: str, on: date) -> tuple[LivePrice, bool]:
    """(price of a Live model's tokens on a day, whether it is the model's own): the highest one for a model the table does not know."""
    name = model.removeprefix("models/")
    known = [price for price in LIVE_PRICES if price.model == name]
    held = [price for price in known if price.since <= on] or known[:1]
    if held:
        return held[-1], True
    return max(LIVE_PRICES, key=lambda price: (price.audio_out, price.audio_in, price.text_out)), False


@dataclass(frozen=True)
class MinutePrice:
    """Micro-dollars for one minute of a voice vendor's call, all in, from a day on."""

    engine: str
    since: date
    micros: int


INFRASTRUCTURE = "infrastructure"
MINUTE_PRICES: tuple[MinutePrice, ...] = (
    # A small server at $20 a month that carries 40,000 minutes.
    MinutePrice(INFRASTRUCTURE, date(2026, 8, 1), 500),
    # Platform fee of $0.05 and the providers behind it, as measured on live calls (C-03).
    MinutePrice("vapi", date(2026, 8, 1), 115_000),
)


def voice_cost(engine: str, minutes: float, on: date) -> int:
    """What so many minutes cost on a day, in micro-dollars; 0 for an engine of this machine."""
    held = [price.micros for price in MINUTE_PRICES if price.engine == engine and price.since <= on]
    return round(held[-1] * minutes) if held else 0
