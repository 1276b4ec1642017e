"""A vendor's live tool call, answered: by the session's live leg; without one nothing moves, because nobody would hear it (R-045, R-046, C-18).

The same id gets the same answer, also after a restart: answers are events of the log. The cursor is moved by the leg's conductor alone. Read next: `conducting`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..domain.events import InterviewEnded, ToolAnswered
from ..domain.session import ENDED
from ..domain.upstream import ToolCall
from ..ports import Store
from .conducting import FOLLOW_UP, MOVE_ON

AWAY = "The candidate is not connected right now. Wait quietly until they speak."
UNKNOWN_CALL = "This call is not known here. Say goodbye."
UNKNOWN_TOOL = "There is no such tool. Known are getFollowUpQuestion and moveToNextQuestion."
OVER: dict[str, dict[str, Any]] = {
    FOLLOW_UP: {"followUpQuestion": None, "moveOn": True, "source": "prepared"},
    MOVE_ON: {"nextQuestionId": None, "nextQuestion": None, "done": True},
}
Answer = tuple[ToolCall, str | None, str | None]
"""The call, the result as one line of JSON, or an error in words."""


Elsewhere = Callable[[str, str, dict[str, Any], str], Awaitable[dict[str, Any] | None]]
"""Session id, name, arguments and id of a tool call → the answer of another process, or None."""


class KnownCalls:
    """Whose call of a vendor's is whose interview, for those answered before: it never changes, and an interviewer waits for every read."""

    MOST = 10_000

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str | None], str] = {}

    def session_id(self, engine: str, engine_call_id: str | None) -> str | None:
        """The interview, if it is known."""
        return self._sessions.get((engine, engine_call_id))

    def note(self, engine: str, engine_call_id: str | None, session_id: str) -> None:
        """One more."""
        if len(self._sessions) >= self.MOST:
            self._sessions.clear()
        self._sessions[engine, engine_call_id] = session_id


class LiveTools(Protocol):
    """The live leg of a session."""

    async def tool(self, name: str, arguments: dict[str, Any], tool_call_id: str) -> dict[str, Any]:
        """The answer; stored when this returns, or after the deadline answered all the same."""


async def answer(
    store: Store,
    live: Callable[[str], LiveTools | None],
    engine: str,
    engine_call_id: str | None,
    call: ToolCall,
    *,
    known_calls: KnownCalls,
    elsewhere: Elsewhere | None = None,
) -> Answer:
    """One tool call of the vendor's call; by the process that holds the call when that is `elsewhere`. Never raises for anything the vendor may send."""
    if call.name not in OVER:
        return call, None, UNKNOWN_TOOL
    session_id = known_calls.session_id(engine, engine_call_id)
    if session_id is not None and (leg := live(session_id)) is not None:
        return call, _line(await leg.tool(call.name, call.arguments, call.id)), None
    async with store.read() as tx:
        known = await tx.engine_call(engine, engine_call_id) if engine_call_id else None
        leg = live(known.session_id) if known else None
        session = await tx.session(known.session_id) if known and leg is None else None
        events = [stored.event for stored in await tx.events(session.id)] if session else []
    if known is not None and leg is not None:
        known_calls.note(engine, engine_call_id, known.session_id)
        return call, _line(await leg.tool(call.name, call.arguments, call.id)), None
    if session is None:
        return call, None, UNKNOWN_CALL
    for event in events:
        if isinstance(event, ToolAnswered) and event.tool_call_id == call.id:
            return call, _line(event.result), None
    if session.status in ENDED or any(isinstance(event, InterviewEnded) for event in events):
        return call, _line(OVER[call.name]), None
    if elsewhere is not None and (result := await elsewhere(session.id, call.name, call.arguments, call.id)):
        return call, _line(result), None
    return call, None, AWAY


def _line(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"))
