"""Consent before the first byte of audio: given, needed, taken back (R-116, R-123, P5).

What is stored is what was agreed to (its version, who receives the voice beside this server), when, and the person's choice about training at that moment. Taking it back ends
the call and destroys the recording; the words said so far stay until the interview is deleted. Read next: `bridge.domain.privacy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..domain.privacy import CONSENT, CONSENT_VERSION, Consent
from ..domain.session import ENDED
from ..errors import ConsentNeeded, InvalidInput, NotFound, WrongState
from ..ports import Store, Tx
from .calling import owned

NEEDED = "Before the interview can begin, its candidate must agree to how the voice is used."
OUTDATED = "The words of the consent have changed. Read them again and agree to the new ones."


def needed(session_id: str) -> ConsentNeeded:
    """The error, with all that a client needs to ask for it."""
    how = f'POST /api/interviews/{session_id}/consent or the body of start: {{"consent": {{"version": "{CONSENT_VERSION}"}}}}'
    return ConsentNeeded(NEEDED, details={"version": CONSENT_VERSION, "words": list(CONSENT), "how": how})


async def require(tx: Tx, session_id: str) -> Consent:
    """The consent that covers a call of this session. Raises ConsentNeeded."""
    consent = await tx.consent(session_id)
    if consent is None or not consent.stands:
        raise needed(session_id)
    return consent


async def give(store: Store, user_id: str, session_id: str, version: str, receivers: Sequence[str], now: datetime) -> Consent:
    """Store that the candidate agreed; once more changes nothing while it stands. Raises InvalidInput for other words than today's."""
    if version != CONSENT_VERSION:
        raise InvalidInput(OUTDATED, details={"version": CONSENT_VERSION, "words": list(CONSENT)})
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        if session.status in ENDED:
            raise WrongState("This interview is over. Start a new one from the set-up page.")
        known = await tx.consent(session_id)
        if known is not None and known.stands and known.version == version:
            return known
        made = Consent(session.id, version, tuple(receivers), now, training=await tx.training(user_id))
        await tx.add_consent(made)
        return made


async def imply(store: Store, user_id: str, session_id: str, now: datetime) -> None:
    """The one person of a server that keeps everything on their own machine agrees by starting, unless they ever took it back.

    The page asks all the same; this is for clients of the bare API (contract §4).
    """
    async with store.read() as tx:
        known = await tx.consent(session_id)
    if known is None:
        await give(store, user_id, session_id, CONSENT_VERSION, (), now)


async def withdraw(store: Store, user_id: str, session_id: str, now: datetime) -> Consent:
    """From this moment on no audio of the session is taken. Raises NotFound when nothing was agreed to. The caller ends the call."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id, for_update=True)
        await tx.withdraw_consent(session.id, now)
        consent = await tx.consent(session.id)
        if consent is None:
            raise NotFound("Nothing was agreed to for this interview, so there is nothing to take back.")
        return consent
