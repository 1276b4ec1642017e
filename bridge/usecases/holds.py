"""Hold what pays for an interview at its start, and use it up or give it back at its end (C-11, M8, A16).

Each function works inside the transaction that starts or ends the session, so that neither happens without the other. Ends need no
settings: what was held is read from its row. Read next: `bridge.domain.holding`, `checkout`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..domain.entitlement import Purse, Source, decide, month_of, plan_of, quote
from ..domain.holding import Hold, HoldState, settle
from ..domain.payment import Account, Line
from ..domain.pricing import Tariff
from ..domain.session import InterviewSession
from ..errors import PaymentRequired
from ..ports import Tx
from . import referrals, refunds

MIN_ANSWER_WORDS = 3


async def purse(tx: Tx, user_id: str, tariff: Tariff, now: datetime) -> Purse:
    """What a person has."""
    held = await tx.held_in(user_id, month_of(now))
    return Purse(
        plan=plan_of(await tx.subscriptions(user_id), now, tariff.grace_days),
        used_of_plan=sum(1 for hold in held if hold.source is Source.PLAN),
        free_used=any(hold.source is Source.FREE for hold in held),
        balance=await tx.balance(user_id, tariff.currency),
    )


async def hold(tx: Tx, session: InterviewSession, tariff: Tariff, now: datetime) -> Hold:
    """Hold what pays for the interview; a repeat finds it held. Raises PaymentRequired where nothing does."""
    await tx.lock_purse(session.user_id)
    before = await tx.hold(session.id, for_update=True)
    if before is not None and before.state is not HoldState.RELEASED:
        return before
    has = await purse(tx, session.user_id, tariff, now)
    source = decide(has, session.setup.difficulty, tariff)
    if source is None:
        offer = quote(has, session.setup.difficulty, tariff, now)
        details = {"amount": offer.amount.amount, "currency": offer.amount.currency, "sessionId": session.id}
        raise PaymentRequired(offer.message, details=details)
    price = tariff.price(session.setup.difficulty)
    made = Hold(
        session_id=session.id, user_id=session.user_id, source=source, state=HoldState.HELD, n=before.n + 1 if before else 1,
        amount=price.amount if source is Source.CREDIT else 0, currency=price.currency, month=month_of(now), at=now,
        money_back=tariff.refund_to_money,
    )  # fmt: skip
    await _take(tx, made, now)
    return made


async def hold_again(tx: Tx, session: InterviewSession, now: datetime) -> None:
    """Hold the same once more for a session that was freed in the moment its candidate came. Raises PaymentRequired."""
    before = await tx.hold(session.id, for_update=True)
    if before is None or before.state is not HoldState.RELEASED:
        return
    await tx.lock_purse(session.user_id)
    if before.source is Source.CREDIT and await tx.balance(session.user_id, before.currency) < before.amount:
        raise PaymentRequired("What was to pay for this interview is used. Go back to its page to pay.")
    again = replace(before, state=HoldState.HELD, n=before.n + 1, at=now, settled_at=None, why="", month=month_of(now))
    await _take(tx, again, now)


async def _take(tx: Tx, made: Hold, now: datetime) -> None:
    if not await tx.save_hold(made):
        raise PaymentRequired("Your free interview of this month is used by another one.")
    if made.source is Source.CREDIT:
        await tx.add_line(_line(made, "hold", -made.amount, now))


async def settle_hold(tx: Tx, session: InterviewSession, now: datetime) -> Hold | None:
    """Use up or give back what was held for a session that has ended, was freed or deleted; a repeat changes nothing."""
    held = await tx.hold(session.id, for_update=True)
    if held is None or held.state is not HoldState.HELD:
        return held
    segments = await tx.segments(session.id) if session.started_at else []
    answered = sum(1 for segment in segments if len(segment.answer.split()) >= MIN_ANSWER_WORDS)
    end = settle(session, answered, fault=held.fault)
    done = replace(held, state=end.state, settled_at=now, why=end.why)
    await tx.save_hold(done)
    if held.source is Source.CREDIT:
        given_back = end.state is HoldState.RELEASED
        await tx.add_line(_line(done, "release" if given_back else "consume", held.amount if given_back else 0, now))
        if given_back and end.our_fault and held.money_back:
            await refunds.ask_for_session(tx, session, now)
    await referrals.held(tx, done)
    return done


async def grant(tx: Tx, user_id: str, amount: int, currency: str, now: datetime, *, ref: str, note: str = "") -> bool:
    """Credit from whoever runs the server; the same `ref` is one grant. A negative amount takes some back."""
    return await tx.add_line(Line(Account.CREDIT, "grant", ref, user_id, amount, currency, now, note=note))


def _line(held: Hold, kind: str, amount: int, now: datetime) -> Line:
    return Line(
        Account.CREDIT, kind, held.ref, held.user_id, amount, held.currency, now, session_id=held.session_id, note=held.why
    )
