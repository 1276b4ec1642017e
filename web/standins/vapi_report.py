"""What Vapi tells about a call: its history of messages, the call resource, the artifact, the cost and the end-of-call report.

Pure: everything comes in as values. `duration` of a message is in milliseconds, as on the real wire. Read next: `vapi_call`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from .vapi_checks import TranscriptPlan

COST_PER_MINUTE = {"transport": 0.0, "stt": 0.011, "llm": 0.005, "tts": 0.046, "vapi": 0.05}
"""US dollars, about what was measured."""
Side = Literal["mono", "stereo", "customer", "assistant"]
SIDES: dict[str, Side] = {"monoUrl": "mono", "stereoUrl": "stereo", "assistantUrl": "assistant", "customerUrl": "customer"}
SPOKEN = {"bot": "assistant", "user": "user"}


def stamp(at: datetime) -> str:
    """A time as Vapi writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(at: datetime) -> int:
    """A time in epoch milliseconds."""
    return int(at.timestamp() * 1000)


@dataclass
class History:
    """The messages of a call, in the order they were finished."""

    began: datetime
    messages: list[dict[str, Any]] = field(default_factory=list)

    def add(self, role: str, message: str, start: datetime, end: datetime | None = None, **more: Any) -> None:
        """One message; with an `end` it was spoken."""
        entry: dict[str, Any] = {"role": role, "message": message, "time": milliseconds(start)}
        if end is not None:
            entry |= {"endTime": milliseconds(end), "duration": milliseconds(end) - milliseconds(start)}
        entry["secondsFromStart"] = round(max(0.0, (start - self.began).total_seconds()), 3)
        self.messages.append(entry | more)

    def conversation(self) -> list[dict[str, Any]]:
        """In OpenAI's form, neighbours of one role joined."""
        told: list[dict[str, Any]] = []
        for entry in self.messages:
            if entry["role"] == "tool_calls":
                told.append({"role": "assistant", "content": "", "tool_calls": entry["toolCalls"]})
            elif entry["role"] == "tool_call_result":
                told.append({"role": "tool", "tool_call_id": entry["toolCallId"], "content": entry["result"]})
            else:
                role = SPOKEN.get(entry["role"], entry["role"])
                if told and told[-1]["role"] == role and "tool_calls" not in told[-1]:
                    told[-1] = {"role": role, "content": f"{told[-1]['content']} {entry['message']}"}
                else:
                    told.append({"role": role, "content": entry["message"]})
        return told

    def transcript(self, plan: TranscriptPlan) -> str:
        """Lines `NAME: words`; consecutive lines of one speaker stay apart."""
        names = {"bot": plan.assistant_name, "user": plan.user_name}
        return "".join(f"{names[entry['role']]}: {entry['message']}\n" for entry in self.messages if entry["role"] in names)


@dataclass(frozen=True)
class Ending:
    """How a call came to its end."""

    reason: str
    started: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return round((self.ended - self.started).total_seconds(), 3)

    def costs(self) -> dict[str, float]:
        """The cost in US dollars by part, and in total."""
        parts = {name: round(price * self.seconds / 60, 4) for name, price in COST_PER_MINUTE.items()}
        return parts | {"total": round(sum(parts.values()), 4)}


def artifact(history: History, plan: TranscriptPlan, values: dict[str, Any], recording: dict[str, str]) -> dict[str, Any]:
    """What is kept. `recording`: URLs by their names in `SIDES`, none when nothing was recorded."""
    kept: dict[str, Any] = {
        "messages": history.messages,
        "messagesOpenAIFormatted": history.conversation(),
        "variableValues": values,
        **({"transcript": history.transcript(plan)} if plan.enabled else {}),
    }
    if recording:
        kept |= {
            "recordingUrl": recording["monoUrl"],
            "stereoRecordingUrl": recording["stereoUrl"],
            "recording": {
                "stereoUrl": recording["stereoUrl"],
                "mono": {
                    "combinedUrl": recording["monoUrl"],
                    "assistantUrl": recording["assistantUrl"],
                    "customerUrl": recording["customerUrl"],
                },
            },
        }
    return kept


def report(ending: Ending, kept: dict[str, Any]) -> dict[str, Any]:
    """The end-of-call-report but for what every message has; many fields twice, as Vapi sends them."""
    costs = ending.costs()
    return {
        "endedReason": ending.reason,
        "startedAt": stamp(ending.started),
        "endedAt": stamp(ending.ended),
        "durationSeconds": ending.seconds,
        "durationMs": round(ending.seconds * 1000),
        "durationMinutes": round(ending.seconds / 60, 4),
        "cost": costs["total"],
        "costBreakdown": costs,
        "transcript": kept.get("transcript", ""),
        "summary": "",
        "messages": kept["messages"],
        "analysis": {},
        "artifact": kept,
        **{name: kept[name] for name in ("recordingUrl", "stereoRecordingUrl") if name in kept},
    }


def document_events(call_id: str, session_id: str | None, type_: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The product document's flat events for one of Vapi's messages; often none."""
    base = {"callId": call_id, "sessionId": session_id}
    if type_ == "status-update" and fields["status"] == "in-progress":
        return [{"type": "call.started", **base}]
    if type_ != "end-of-call-report":
        return []
    reason = fields["endedReason"]
    words = {"transcript": fields["transcript"]}
    last = {**base, "duration": round(fields["durationSeconds"]), "reason": reason, **words}
    events = [{"type": "call.transcript", **base, **words}]
    if "recordingUrl" in fields:
        events.append({"type": "call.recording", **base, "recordingUrl": fields["recordingUrl"]})
        last["recordingUrl"] = fields["recordingUrl"]
    failed = "error" in reason or reason == "worker-shutdown"
    return [*events, {"type": "call.failed", **last, "error": "The call failed."} if failed else {"type": "call.ended", **last}]
