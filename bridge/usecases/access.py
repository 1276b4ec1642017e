"""Whose interview it is and who else may look: the one loader of what is shared between people.

An owner reaches their own through `calling.owned`. Anybody else comes through `get_session_for`, by a role, and every such visit is a line in
the audit log of the same transaction: what cannot be noted cannot be seen (A17). A stranger's interview, a deleted one and none at all are
answered alike.
"""

from __future__ import annotations

from ..domain.account import Person, Role
from ..domain.session import InterviewSession, SessionStatus
from ..errors import NotFound
from ..ports import Tx

NOT_THERE = "There is no such interview."


async def get_session_for(
    tx: Tx, person: Person, session_id: str, *, role: Role, action: str, for_update: bool = False
) -> InterviewSession:
    """Somebody's session, for a person who holds the role; `tx` must be a `begin`, because the visit is noted under `action`.

    Raises NotFound for a person without the role, an unknown session and a deleted one alike.
    """
    session = await tx.session(session_id, for_update=for_update) if person.may(role) else None
    if session is None or session.status is SessionStatus.DELETED:
        raise NotFound(NOT_THERE)
    await tx.audit(person.id, action, session.id)
    return session
