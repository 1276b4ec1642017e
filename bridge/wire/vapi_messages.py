"""Vapi's messages, from its socket and from its webhooks, in our own words; and what we answer (vapi-protocol §2.3, §2.4, §4, §7).

The only module that knows Vapi's names for what happens. Everything is read leniently and nothing raises: an unknown kind is `Other`, a missing field is its absence. The
product document's flat `call.*` events go through the same door and get the same keys. Read next: `bridge.domain.upstream`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..domain.events import Speaker
from ..domain.upstream import (
    CallBegan,
    CallEnded,
    CallReport,
    Delivery,
    HeardTurn,
    Interrupted,
    Message,
    Other,
    Recorded,
    Said,
    Silence,
    Speaking,
    ToolCall,
    ToolsCalled,
    Transcribed,
)
from ..errors import InvalidInput
from . import strict_json

MAX_TEXT = 20_000
"""Characters of one utterance that are kept."""
ROLES = {
    "user": Speaker.CANDIDATE,
    "customer": Speaker.CANDIDATE,
    "candidate": Speaker.CANDIDATE,
    "assistant": Speaker.INTERVIEWER,
    "bot": Speaker.INTERVIEWER,
    "ai": Speaker.INTERVIEWER,
    "interviewer": Speaker.INTERVIEWER,
}
PENDING = "Tool Result Still Pending But Proceed Further If Possible."
"""What Vapi's history says while a tool is at work (§2.4)."""
SECRET = re.compile(
    r"(?i)^(websocketCallUrl|controlUrl|listenUrl|presigned.*|.*recordingUrl|.*Url|url|headers|secret|secretKey|credentials|number|"
    r"authorization)$"
)
HIDDEN = "[removed]"
LINE = re.compile(r"^\s*(INTERVIEWER|USER|AI|ASSISTANT|BOT|CUSTOMER|CANDIDATE)\s*:\s*(.*)$", re.IGNORECASE)
FINAL_TRANSCRIPT = re.compile(r"^transcript(\[.*\])?$")


# From the socket ----------------------------------------------------------------------------------------------------
def parse_socket(data: str | bytes) -> tuple[Message, ...]:
    """What a text frame says; frames are flat, but one inside `message` is understood as well. Never raises."""
    try:
        body = strict_json.loads(data)
    except InvalidInput:
        return (Other("unreadable"),)
    if not isinstance(body, dict):
        return (Other("unreadable"),)
    inner = body.get("message")
    return _messages(inner if isinstance(inner, dict) else body)


def _messages(m: dict[str, Any]) -> tuple[Message, ...]:
    type_ = _text(m.get("type"))
    at = moment(m.get("timestamp"))
    match type_:
        case "status-update" if m.get("status") == "in-progress":
            return (CallBegan(at),)
        case "status-update" if m.get("status") == "ended":
            return (CallEnded(_text(m.get("endedReason")) or "unknown", at),)
        case "speech-update":
            return _speech(m)
        case "user-interrupted":
            return (Interrupted(),)
        case "hang":
            return (Silence(),)
        case "tool-calls" | "function-call":
            calls = tool_calls(m)
            return (ToolsCalled(calls),) if calls else (Other(type_),)
        case "end-of-call-report":
            return (_report(m, at),)
        case "call.artifact.upload":
            return (Recorded(),)
        case _ if FINAL_TRANSCRIPT.match(type_):
            return _said(m, at)
        case _:
            return (Other(type_ or "unknown"),)


def _speech(m: dict[str, Any]) -> tuple[Message, ...]:
    speaker = ROLES.get(_text(m.get("role")).lower())
    status = m.get("status")
    if speaker is None or status not in ("started", "stopped"):
        return (Other("speech-update"),)
    return (Speaking(speaker, started=status == "started"),)


def _said(m: dict[str, Any], at: datetime | None) -> tuple[Message, ...]:
    speaker = ROLES.get(_text(m.get("role")).lower())
    text = _words(m.get("transcript"))
    if speaker is None or not text:
        return (Other("transcript"),)
    return (Said(speaker, text, m.get("transcriptType") != "partial", at, _share(m.get("confidence"))),)


def tool_calls(m: dict[str, Any]) -> tuple[ToolCall, ...]:
    """The calls of a message in any of the four layouts, merged by id (§4.3)."""
    found: list[Any] = []
    for name in ("toolCallList", "toolCalls"):
        found += m[name] if isinstance(m.get(name), list) else []
    both = m.get("toolWithToolCallList")
    for item in both if isinstance(both, list) else []:
        if isinstance(item, dict):
            found.append(item.get("toolCall"))
    legacy = m.get("functionCall")
    if isinstance(legacy, dict):
        found.append({"id": legacy.get("id") or f"legacy-{_digest(legacy)[:16]}", "function": legacy})
    calls: dict[str, ToolCall] = {}
    for item in found:
        if not isinstance(item, dict):
            continue
        function = item["function"] if isinstance(item.get("function"), dict) else {}
        call_id, name = _text(item.get("id")), _text(function.get("name") or item.get("name"))
        if call_id and name:
            given = next((x[k] for x in (function, item) for k in ("arguments", "parameters") if x.get(k) is not None), None)
            calls.setdefault(call_id, ToolCall(call_id, name, _arguments(given)))
    return tuple(calls.values())


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = strict_json.loads(given)
        except InvalidInput:
            return {}
    return given if isinstance(given, dict) else {}


# The account at the end ---------------------------------------------------------------------------------------------
def report_of_call(call: dict[str, Any]) -> CallReport:
    """`GET /call/{id}` of an ended call, read like an end-of-call-report."""
    return _report(call, None)


def _report(m: dict[str, Any], at: datetime | None) -> CallReport:
    artifact = m["artifact"] if isinstance(m.get("artifact"), dict) else {}
    started, ended = moment(m.get("startedAt")), moment(m.get("endedAt"))
    duration = _number(m.get("durationSeconds"))
    if duration is None and started and ended:
        duration = max(0.0, (ended - started).total_seconds())
    cost = _number(m.get("cost"))
    parts = m["costBreakdown"] if isinstance(m.get("costBreakdown"), dict) else {}
    messages = artifact.get("messages") or m.get("messages")
    turns = _turns(messages) or transcript_turns(artifact.get("transcript") or m.get("transcript"))
    recording = artifact.get("recording") or m.get("recordingUrl") or artifact.get("recordingUrl")
    return CallReport(
        reason=_text(m.get("endedReason")) or "unknown",
        started_at=started,
        ended_at=ended or at,
        duration_seconds=duration,
        cost_micros=None if cost is None else round(cost * 1_000_000),
        cost_parts={
            k: round(v * 1_000_000) for k, v in ((k, _number(v)) for k, v in parts.items()) if v is not None and k != "total"
        },
        turns=turns,
        has_recording=bool(recording),
    )


def _turns(messages: Any) -> tuple[HeardTurn, ...]:
    turns = []
    for m in messages if isinstance(messages, list) else []:
        if not isinstance(m, dict):
            continue
        speaker, text = ROLES.get(_text(m.get("role")).lower()), _words(m.get("message") or m.get("content"))
        if speaker is None or not text or text == PENDING:
            continue
        start = round((_number(m.get("secondsFromStart")) or 0.0) * 1000)
        time_, end_time = _number(m.get("time")), _number(m.get("endTime"))
        # `duration` is called seconds and is milliseconds (§4.2): the two times are believed first.
        length = end_time - time_ if time_ is not None and end_time is not None else _number(m.get("duration")) or 0.0
        turns.append(HeardTurn(speaker, text, max(0, start), max(0, start) + max(0, round(length)), _share(m.get("confidence"))))
    return tuple(turns)


def transcript_turns(transcript: Any) -> tuple[HeardTurn, ...]:
    """A transcript given as lines `NAME: words` (or as an array): consecutive lines of one speaker are one turn (C-22). Times are unknown: 0."""
    if isinstance(transcript, list):
        return _turns(transcript)
    turns: list[HeardTurn] = []
    for line in str(transcript).splitlines() if isinstance(transcript, str) else ():
        found = LINE.match(line)
        if found:
            name = found[1].lower()
            speaker = Speaker.CANDIDATE if name in ("user", "customer", "candidate") else Speaker.INTERVIEWER
            words = _words(found[2])
        elif turns:
            speaker, words = turns[-1].speaker, _words(line)
        else:
            continue
        if turns and turns[-1].speaker is speaker:
            turns[-1] = HeardTurn(speaker, f"{turns[-1].text} {words}".strip(), 0, 0)
        else:
            turns.append(HeardTurn(speaker, words, 0, 0))
    return tuple(turn for turn in turns if turn.text)


# Webhooks -----------------------------------------------------------------------------------------------------------
def parse_delivery(body: dict[str, Any]) -> Delivery:
    """One webhook of either family. Never raises; what is not understood is kept as `Other`."""
    m = body.get("message")
    if isinstance(m, dict):
        call = m["call"] if isinstance(m.get("call"), dict) else {}
        call_id, messages = _text(call.get("id")), _messages(m)
        type_, sent = _text(m.get("type")) or "unknown", moment(m.get("timestamp"))
    else:
        call_id, messages = _text(body.get("callId")), _document(body)
        type_, sent = _text(body.get("type")) or "unknown", moment(body.get("timestamp"))
    return Delivery(call_id[:200] or None, _key(messages, body), type_[:100], messages, redact(body), sent)


def _document(body: dict[str, Any]) -> tuple[Message, ...]:
    """The product document's flat events (§7)."""
    at = moment(body.get("timestamp"))
    match _text(body.get("type")):
        case "call.started":
            return (CallBegan(at),)
        case "call.ended":
            return (CallEnded(_text(body.get("reason")) or "customer-ended-call", at),)
        case "call.failed":
            return (CallEnded(_text(body.get("reason")) or "call-failed-error", at),)
        case "call.transcript":
            turns = transcript_turns(body.get("transcript"))
            return (Transcribed(turns),) if turns else (Other("call.transcript"),)
        case "call.recording":
            return (Recorded(_text(body.get("recordingUrl")) or None),)
        case other:
            return (Other(other or "unknown"),)


def _key(messages: tuple[Message, ...], body: dict[str, Any]) -> str:
    """What names this fact for ever; both families give the same one."""
    match messages[0]:
        case CallBegan():
            return "began"
        case CallEnded():
            return "ended"
        case CallReport():
            return "report"
        case ToolsCalled(calls):
            return f"tools:{_digest([call.id for call in calls])}"
        case Said(speaker, text, True, at):
            return f"said:{_digest([speaker.value, text, str(at)])}"
        case _:
            return f"body:{_digest(body)}"


def redact(value: Any) -> Any:
    """The value without secrets, signed links and phone numbers (§6, last row)."""
    if isinstance(value, dict):
        return {k: HIDDEN if SECRET.match(k) and v not in (None, "") else redact(v) for k, v in value.items()}
    return [redact(item) for item in value] if isinstance(value, list) else value


def tool_results(answers: Sequence[tuple[ToolCall, str | None, str | None]]) -> dict[str, Any]:
    """The answer to tool calls: (call, result, error) in the calls' order, single-line strings (§4.3)."""
    results = []
    for call, result, error in answers:
        kind, text = ("error", error) if error is not None else ("result", result or "")
        results.append({"toolCallId": call.id, "name": call.name, kind: " ".join(text.split())})
    return {"results": results}


# To the live call ---------------------------------------------------------------------------------------------------
def end_call() -> dict[str, Any]:
    """Hang up."""
    return {"type": "end-call"}


def say(text: str, *, end_call: bool = False) -> dict[str, Any]:
    """Speak these words, interrupting the interviewer; hang up behind them when asked to."""
    return {"type": "say", "content": plain(text), "endCallAfterSpoken": end_call, "interruptAssistantEnabled": True}


def add_message(text: str, *, role: str = "system", trigger: bool = False) -> dict[str, Any]:
    """Add to the conversation; with `trigger` the interviewer answers at once."""
    return {"type": "add-message", "message": {"role": role, "content": plain(text)}, "triggerResponseEnabled": trigger}


def encode(frame: dict[str, Any]) -> str:
    """A frame as it goes over the socket."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def plain(text: str) -> str:
    """The text without LiquidJS tokens: Vapi renders every text it is given (§1.2)."""
    return re.sub(r"\{\{|\}\}|\{%|%\}", " ", text)


# Values -------------------------------------------------------------------------------------------------------------
def moment(value: Any) -> datetime | None:
    """A time as Vapi writes it, milliseconds since 1970 or RFC 3339; None for anything else."""
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        made = datetime.fromisoformat(str(value))
        return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _words(value: Any) -> str:
    return " ".join(value.split())[:MAX_TEXT] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else None


def _share(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
