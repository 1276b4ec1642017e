"""What an operator can do in a live call, and what each interviewer can take (M7).

Every act is an event of the call's own log first, and done only once it is durable. Read next: `call`, `watch`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.domain.events import OperatorActed
from bridge.domain.intents import Intent, intent_of
from bridge.errors import Conflict
from bridge.usecases.call_log import CallLog

from .engines.engine import Do

ENDED_BY_OPERATOR = "ended_by_operator"
TAKES_NO_WHISPER = (
    "This interviewer follows a script: it takes the whispers “repeat the question” and “next question” and no others. "
    "Use Say to have it speak your words."
)


@dataclass(frozen=True)
class Act:
    """What is to be done: an `OperatorActed` without its time."""

    action: str
    text: str = ""
    minutes: int = 0
    told: str = ""


def check(act: Act, engine: str) -> None:
    """Raise Conflict where this interviewer could not do it."""
    if act.action == "whisper" and engine == "local" and intent_of(act.text) not in (Intent.REPEAT, Intent.NEXT):
        raise Conflict(TAKES_NO_WHISPER)


async def operate(act: Act, log: CallLog, at_ms: int, tell: Callable[[Do, str], None]) -> int:
    """Store the act, then tell the interviewer; its place in the log."""
    stored = log.append(OperatorActed(at_ms=at_ms, action=act.action, text=act.text, minutes=act.minutes, told=act.told))
    seq = await stored
    match act.action:
        case "whisper":
            tell(Do.WHISPER, act.text)
        case "say":
            tell(Do.SAY, act.text)
        case "end":
            tell(Do.END, ENDED_BY_OPERATOR)
    return seq
