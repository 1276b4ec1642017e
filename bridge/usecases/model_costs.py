"""Book what a language model cost, on the interview it was asked for: one line for what it read, one for what it wrote (C-05, R-165).

Read next: `bridge.domain.unit_costs`.
"""

from __future__ import annotations

from ..domain.unit_costs import CURRENCY, dearest, token_price
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
