"""What goes wrong on command, and how the stand-in behaves where Vapi's own behaviour is not documented.

Faults are for the next calls or for live ones and may be changed while a call runs; `Manner` is chosen once. Read next: `vapi`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ToolLayout = Literal["all", "toolCallList", "toolCalls", "toolWithToolCallList", "functionCall"]
Garbage = Literal["bad_json", "not_an_object", "unknown_type", "huge"]


class Faults(BaseModel):
    """All off by default; times in seconds. Also the body of `POST /standin/faults`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # At create.
    create_status: Literal[400, 401, 402, 403, 429, 500, 503] | None = None
    create_failures: int | None = Field(default=None, ge=1)
    """How many creates get that status; all of them when left out."""
    create_seconds: float = 0
    """The call is made, its answer comes so much later."""
    create_lost: bool = False
    """The call is made and the connection reset instead of an answer."""
    create_without_url: bool = False
    concurrency_blocked: bool = False
    erase_status: Literal[401, 429, 500, 503] | None = None
    """What `DELETE /call/{id}` gets."""
    refuse_silence_timeout: bool = False
    """400 that names `assistant.silenceTimeoutSeconds`, which Vapi's schemas do not have."""

    # On the socket. Seconds count from joining, or from the moment a live call is given the fault.
    refuse: bool = False
    """403 instead of a websocket."""
    reset_after: float | None = None
    silent_after: float | None = None
    """Audio is taken, nothing is sent any more."""
    close_after: float | None = None
    close_code: int = 1000
    no_first_frame: bool = False
    """The socket opens and stays silent."""
    rejoin: bool = True
    """Whether a call that lost its socket may be joined again."""
    garbage: tuple[Garbage, ...] = ()
    """Text frames sent behind the first one."""
    odd_audio: bool = False
    """Downlink messages that end in the middle of a sample."""
    bursty_audio: bool = False
    """Downlink half a second at a time."""

    # Webhooks.
    no_webhooks: bool = False
    duplicate_webhooks: bool = False
    late_webhooks: float = 0
    shuffle_webhooks: int | None = None
    """A seed: all webhooks but tool calls are kept back until the report is due and then sent in an order drawn with it."""
    drop_report: bool = False
    duplicate_tools: bool = False
    """Each tool call is posted twice at the same time."""


@dataclass(frozen=True)
class Manner:
    """Where Vapi varies or says nothing: any of these may be what it really does. Times in seconds, as measured on live calls."""

    tool_layout: ToolLayout = "all"
    tool_arguments: Literal["object", "string"] = "object"
    final_transcript_type: Literal["plain", "long"] = "long"
    """Whether a webhook asked for as `transcript[transcriptType="final"]` has that type or plain `transcript`."""
    flat_events: bool = False
    """The product document's `call.*` events instead of Vapi's messages (tool calls stay)."""
    hmac_secret: str | None = None
    """Sign every webhook: `x-vapi-signature`, `x-vapi-timestamp` in seconds."""
    idle_audio: bool = True
    """Silence frames while nobody speaks."""
    fillers: bool = True
    """A tool without a `request-start` message of its own gets one of Vapi's fillers spoken."""
    concurrency: int = 10
    join_seconds: float = 20.0
    """A call nobody joins dies."""
    rejoin_seconds: float = 6.0
    """A call whose socket was lost dies."""
    first_frame_seconds: float = 0.14
    turn_silence_seconds: float = 0.8
    """At least so much silence, heard and not only waited for, ends the candidate's turn."""
    hang_seconds: float = 5.0
    final_seconds: float = 0.16
    """From the end of the assistant's speech to its final transcript."""
    ended_seconds: float = 1.58
    """From hanging up to `ended`."""
    report_seconds: float = 1.3
    """From `ended` to the report."""
    artifact_seconds: float = 3.0
    """From `ended` until `GET /call/{id}` has an artifact and a cost."""
    link_seconds: float = 60.0
    """How long a recording's signed link is good."""
