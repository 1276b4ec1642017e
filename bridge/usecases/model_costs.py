"""Book what a model cost, on the interview it was asked for or spoke in: one line for what came in, one for what went out (C-05, R-165).

Read next: `bridge.domain.unit_costs`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ..domain.unit_costs import CURRENCY, dearest, live_price, token_price
from ..domain.upstream import CostEntry, CostKind
from ..language_model import ModelCall
from ..ports import Store

PROVIDER = "gemini"


async def book(store: Store, call: ModelCall) -> None:
    """Write the call's tokens and their price to the ledger; a repeat books nothing. A call without tokens or interview leaves no line."""
    entries = entries_of(call)
    if entries:
        async with store.begin() as tx:
            for entry in entries:
                await tx.add_cost(entry)


def entries_of(call: ModelCall) -> list[CostEntry]:
    """The lines of a call. A model without a known price is booked as an estimate at the highest price there is."""
    if call.session_id is None:
        return []
    day = call.at.date()
    known = token_price(call.usage.model, day)
    price = known or dearest(day)
    used = (
        ("input", call.usage.tokens_in, price.tokens_in),
        ("output", call.usage.tokens_out + call.usage.tokens_thought, price.tokens_out),
    )
    return [
        CostEntry(
            session_id=call.session_id,
            ref=f"{PROVIDER}:{call.id}:{side}",
            kind=CostKind.ACTUAL if known else CostKind.ESTIMATE,
            provider=PROVIDER,
            item=f"{call.purpose.value} {side}",
            quantity=tokens,
            unit="tokens",
            amount_micros=round(tokens * each),
            currency=CURRENCY,
            at=call.at,
        )
        for side, tokens, each in used
        if tokens
    ]


class Spoken(NamedTuple):
    """What a voice model has used since it was last booked."""

    model: str
    text_in: int
    audio_in: int
    text_out: int
    audio_out: int
    minutes: float
    """On the line; free in itself, kept beside the tokens."""


async def book_voice(store: Store, session_id: str, ref: str, used: Spoken, at: datetime) -> None:
    """Write a voice model's tokens, their price and its minutes to the ledger; a repeat of `ref` books nothing."""
    async with store.begin() as tx:
        for entry in voice_entries(session_id, ref, used, at):
            await tx.add_cost(entry)


def voice_entries(session_id: str, ref: str, used: Spoken, at: datetime) -> list[CostEntry]:
    """The lines of a stretch of talk; estimates where the model's own price is not known, or none is printed for sound.

    Lines of one kind share the stem of their `ref`: readers count what was measured of a stem instead of its estimates.
    """
    price, own = live_price(used.model, at.date())
    lines: tuple[tuple[str, float, str, float], ...] = (
        ("voice text in", used.text_in, "tokens", used.text_in * price.text_in),
        ("voice audio in", used.audio_in, "tokens", used.audio_in * price.audio_in),
        ("voice text out", used.text_out, "tokens", used.text_out * price.text_out),
        ("voice audio out", used.audio_out, "tokens", used.audio_out * price.audio_out),
        ("voice line", used.minutes, "minutes", 0.0),
    )

    def printed(item: str) -> bool:
        return own and (price.sound_printed or "audio" not in item)

    return [
        CostEntry(
            session_id=session_id,
            ref=f"{PROVIDER}:{ref}:{item}" if printed(item) else f"{PROVIDER}:{ref}:estimate:{item}",
            kind=CostKind.ACTUAL if printed(item) else CostKind.ESTIMATE,
            provider=PROVIDER,
            item=item,
            quantity=quantity,
            unit=unit,
            amount_micros=round(micros),
            currency=CURRENCY,
            at=at,
        )
        for item, quantity, unit, micros in lines
        if quantity
    ]
