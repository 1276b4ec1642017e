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

from ..domain.ended import Ending, judge
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
from .vapi_keeping import HIDDEN, clean_object, clean_text, redact

MAX_TEXT = 20_000
"""Characters of one utterance that are kept."""
MAX_ID = 200
MAX_COST = 10_000
"""No call costs so much: such a figure is none."""
CALL_FAILED = "call-failed-error"
"""The document's `call.failed` where it names no reason of failure."""
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
LINE = re.compile(r"^([A-Z][A-Za-z]{1,15})\s?:\s*(.*)$")
"""A line's speaker; a small letter begins words of an answer."""
NOT_SPOKEN = frozenset({"system", "tool", "function"})
FINAL_TRANSCRIPT = re.compile(r"^transcript(\[.*\])?$")
HISTORY = ("conversation-update", "model-output", "voice-input")
"""Frames of which the text is not used: long and frequent, so they are not looked through."""
COST_PARTS = ("transport", "stt", "llm", "tts", "vapi", "chat")
"""Sums of money in a `costBreakdown`; it counts tokens and characters as well."""


# From the socket ----------------------------------------------------------------------------------------------------
def parse_socket(data: str | bytes) -> tuple[Message, ...]:
    """What a text frame says; frames are flat, but one inside `message` is understood as well. Never raises."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return (Other("unreadable"),)
    if not isinstance(body, dict):
        return (Other("unreadable"),)
    inner = body.get("message")
    m = inner if isinstance(inner, dict) else body
    return (Other(m["type"]),) if m.get("type") in HISTORY else _messages(clean_object(m))


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
            return (Recorded(),) if _has_recording(m.get("artifacts")) else (Other(type_),)
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
    if speaker is None or not text or text == PENDING:
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
        call_id, name = item.get("id"), _text(function.get("name") or item.get("name"))
        if isinstance(call_id, str) and call_id and name:
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
        duration = (ended - started).total_seconds()
    parts = m["costBreakdown"] if isinstance(m.get("costBreakdown"), dict) else {}
    messages = artifact.get("messages") or m.get("messages")
    turns = _turns(messages) or transcript_turns(artifact.get("transcript") or m.get("transcript"))
    recording = any(holder.get(key) for holder in (artifact, m) for key in ("recording", "recordingUrl", "stereoRecordingUrl"))
    return CallReport(
        reason=_text(m.get("endedReason")) or "unknown",
        started_at=started,
        ended_at=ended or at,
        duration_seconds=None if duration is None else max(0.0, duration),
        # Zero means that it is not settled yet (§1.4).
        cost_micros=_micros(m.get("cost")) or None,
        cost_parts={name: micros for name in COST_PARTS if (micros := _micros(parts.get(name))) is not None},
        turns=turns,
        has_recording=recording,
    )


def _has_recording(artifacts: Any) -> bool:
    """Whether an upload of artifacts holds a recording that succeeded."""
    items = artifacts if isinstance(artifacts, list) else []
    return any(isinstance(a, dict) and "recording" in _text(a.get("type")) and a.get("success") is not False for a in items)


def _turns(messages: Any) -> tuple[HeardTurn, ...]:
    given = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    began = next((time for m in given if (time := _number(m.get("time"))) is not None), 0.0)
    unit = 1000 if any(_counts_seconds(m) for m in given) else 1
    turns = []
    for m in given:
        speaker = ROLES.get(_text(m.get("role") or m.get("speaker") or m.get("name")).lower())
        text = next((words for key in ("message", "content", "transcript", "text") if (words := _words(m.get(key)))), "")
        if speaker is None or not text or text == PENDING:
            continue
        seconds, time = _number(m.get("secondsFromStart")), _number(m.get("time"))
        start = seconds * 1000 if seconds is not None else 0 if time is None else time - began
        span = _span(m)
        length = (_number(m.get("duration")) or 0) * unit if span is None else span
        start_ms = max(0, round(start))
        turns.append(HeardTurn(speaker, text, start_ms, start_ms + max(0, round(length)), _share(m.get("confidence"))))
    return tuple(turns)


def _span(m: dict[str, Any]) -> float | None:
    """Milliseconds of a message by its two times, which are believed before its duration."""
    time, end = _number(m.get("time")), _number(m.get("endTime"))
    return None if time is None or end is None else end - time


def _counts_seconds(m: dict[str, Any]) -> bool:
    """Whether this message's duration, documented as seconds and sent as milliseconds, is in seconds after all (§4.2)."""
    span, duration = _span(m), _number(m.get("duration"))
    return bool(span and duration and abs(duration * 1000 - span) < abs(duration - span))


def transcript_turns(transcript: Any) -> tuple[HeardTurn, ...]:
    """A transcript given as lines `NAME: words` (or as an array): consecutive lines of one speaker are one turn (C-22). Times are unknown: 0."""
    if isinstance(transcript, list):
        return _turns(transcript)
    said: list[tuple[Speaker, list[str]]] = []
    speaker: Speaker | None = None
    for line in transcript.splitlines() if isinstance(transcript, str) else ():
        found = LINE.match(line)
        name = found[1].lower() if found else ""
        begins = name in ROLES or name in NOT_SPOKEN
        if begins:
            speaker = ROLES.get(name)
        words = _words(found[2] if found and begins else line)
        if speaker is None or not words or words == PENDING:
            continue
        if said and said[-1][0] is speaker:
            said[-1][1].append(words)
        else:
            said.append((speaker, [words]))
    return tuple(HeardTurn(who, " ".join(lines), 0, 0) for who, lines in said)


# Webhooks -----------------------------------------------------------------------------------------------------------
def parse_delivery(body: dict[str, Any]) -> Delivery:
    """One webhook of either family. Never raises; what is not understood is kept as `Other`."""
    body = clean_object(body)
    m = body.get("message")
    if isinstance(m, dict):
        call = m["call"] if isinstance(m.get("call"), dict) else {}
        call_id, messages = _text(call.get("id")), _messages(m)
        type_, sent = _text(m.get("type")) or "unknown", moment(m.get("timestamp"))
    else:
        call_id, messages = _text(body.get("callId")), _document(body)
        type_, sent = _text(body.get("type")) or "unknown", moment(body.get("timestamp"))
    kept = redact(body)
    return Delivery(call_id if 0 < len(call_id) <= MAX_ID else None, _key(messages, kept), type_[:100], messages, kept, sent)


def _document(body: dict[str, Any]) -> tuple[Message, ...]:
    """The product document's flat events (§7)."""
    at = moment(body.get("timestamp"))
    match _text(body.get("type")):
        case "call.started":
            return (CallBegan(at),)
        case "call.ended":
            return (CallEnded(_text(body.get("reason")) or "customer-ended-call", at),)
        case "call.failed":
            reason = _text(body.get("reason"))
            # A failure stays one, even where its reason has the name of a good end.
            return (CallEnded(reason if reason and judge(reason, spoke=False) is Ending.FAILED else CALL_FAILED, at),)
        case "call.transcript":
            turns = transcript_turns(body.get("transcript"))
            return (Transcribed(turns),) if turns else (Other("call.transcript"),)
        case "call.recording":
            url = _text(body.get("recordingUrl"))
            return (Recorded(None if url == HIDDEN else url),) if url else (Other("call.recording"),)
        case other:
            return (Other(other or "unknown"),)


def _key(messages: tuple[Message, ...], kept: dict[str, Any]) -> str:
    """What names this fact for ever; both families give the same one. Signed links differ from delivery to delivery: `kept` has none."""
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
        case Recorded():
            return "recording"
        case _:
            return f"body:{_digest(kept)}"


def tool_results(answers: Sequence[tuple[ToolCall, str | None, str | None]]) -> dict[str, Any]:
    """The answer to tool calls: (call, result, error) in the calls' order, single-line strings (§4.3)."""
    results = []
    for call, result, error in answers:
        kind, text = ("error", error) if error is not None else ("result", result or "")
        results.append({"toolCallId": call.id, "name": call.name, kind: " ".join(clean_text(text).split())})
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
    return re.sub(r"\{\{|\}\}|\{%|%\}", " ", clean_text(text))


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


def _micros(value: Any) -> int | None:
    number = _number(value)
    return round(number * 1_000_000) if number is not None and 0 <= number < MAX_COST else None


def _share(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
