"""What a candidate thinks of an interview, and what operators did in it: both belong to its owner (R-135, M7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..domain.figures import Feedback
from ..domain.session import ENDED
from ..errors import WrongState
from ..ports import Store
from .calling import owned

WORDS = {
    "calls.view": "Opened its page",
    "calls.follow": "Followed what happened",
    "calls.download": "Downloaded its log",
    "calls.listen": "Listened in",
    "calls.whisper": "Whispered to the interviewer",
    "calls.say": "Had the interviewer say something",
    "calls.extend": "Added time",
    "calls.end": "Ended it",
    "calls.refund": "Gave the money back",
    "calls.report": "Had the report written again",
    "reviews.view": "Read it for its review",
    "reviews.take": "Took its review on",
    "reviews.release": "Left its review to another",
    "reviews.submit": "Handed its review in",
}
"""Actions of the audit log that the candidate of an interview sees, in words."""
LIMIT = 500


@dataclass(frozen=True)
class Visit:
    """One thing an operator did with an interview."""

    at: datetime
    who: str
    """The operator's name, or what they are."""
    action: str
    words: str


async def give(store: Store, user_id: str, session_id: str, rating: int, comment: str, now: datetime) -> Feedback:
    """Keep it in place of an older one. Raises NotFound, WrongState while the interview goes on."""
    async with store.begin() as tx:
        session = await owned(tx, user_id, session_id)
        if session.status not in ENDED:
            raise WrongState("You can rate the interview when it is over.")
        given = Feedback(session.id, rating, comment, now)
        await tx.save_feedback(given)
        return given


async def given(store: Store, user_id: str, session_id: str) -> Feedback | None:
    """What the owner gave. Raises NotFound."""
    async with store.read() as tx:
        session = await owned(tx, user_id, session_id)
        return await tx.feedback(session.id)


async def visits(store: Store, user_id: str, session_id: str) -> list[Visit]:
    """What operators did with the owner's interview, newest first. Raises NotFound."""
    async with store.read() as tx:
        session = await owned(tx, user_id, session_id)
        rows = await tx.audit_trail(subject=session.id, limit=LIMIT)
        names = {actor: await tx.name_of(actor) for actor in {row.actor_id for row in rows} if actor}
    return [
        Visit(row.at, names.get(row.actor_id or "", "") or "An operator", row.action, WORDS[row.action])
        for row in rows
        if row.action in WORDS
    ]
