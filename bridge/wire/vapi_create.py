"""The create-call request for one interview, and its answer (vapi-protocol §1; R-040…R-050, R-060, C-15…C-20).

Only fields Vapi knows. What the candidate wrote never reaches a template: it travels as variable values, and our own text is cleaned of LiquidJS tokens. Key points are
not in the prompt, so that nobody can talk the interviewer out of them. Read next: `vapi_messages`, `bridge.clients.vapi`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..domain import persona
from ..domain.intents import TIME
from ..domain.questions import Question
from ..domain.session import InterviewSession
from ..domain.setup import FollowUpStyle, Pace
from ..domain.turn_policy import longest_wait
from ..errors import UpstreamFailed
from . import vapi_urls
from .vapi_messages import MAX_ID, plain

PROMPT_VERSION = "vapi-interviewer-2"
CLOSING_SECONDS = 90
"""On top of the interview's own time, for the goodbye: our own clock ends it first (C-20)."""
SILENCE_SECONDS = 180
"""A candidate may think so long before Vapi gives up; we notice earlier."""
MAX_DURATION_SECONDS = 43_200
SAMPLE_RATE = 16_000
SPEED = {Pace.SLOW: 0.9, Pace.MODERATE: 1.0, Pace.FAST: 1.12}
INTERRUPT_WORDS = {FollowUpStyle.LIGHT: 1, FollowUpStyle.BALANCED: 2, FollowUpStyle.DEEP_DIVE: 3}
MAX_WAIT_SECONDS = 5
THINKING_SECONDS = 15
"""The longest Vapi waits by a rule of ours; then it asks our tool, which says that the candidate is thinking still."""
THINKING_RULE: dict[str, Any] = {
    "type": "customer",
    "regex": rf"(?:{'|'.join(TIME)})\W*$",
    "regexOptions": [{"type": "ignore-case", "enabled": True}],
    "timeoutSeconds": THINKING_SECONDS,
}
""""Let me think" at the end of what was heard. Node's `RegExp.test`, which knows every construct of the table."""
SERVER_MESSAGES = [
    "status-update", 'transcript[transcriptType="final"]', "tool-calls", "hang", "user-interrupted", "end-of-call-report",
]  # fmt: skip
CLIENT_MESSAGES = [
    "status-update", "speech-update", "transcript", "tool-calls", "tool-calls-result", "user-interrupted", "hang", "assistant.started",
]  # fmt: skip
NOTES = "topics: {{focusNotes}}; company: {{company}}; role: {{role}}; level: {{level}}."
"""Places that Vapi fills with variable values."""


@dataclass(frozen=True)
class Opening:
    """How the call begins: the first words, the questions from the one on the floor on, the minutes left."""

    first_message: str
    questions: Sequence[Question]
    minutes_left: float


@dataclass(frozen=True)
class Hooks:
    """Where Vapi asks us, and the secret it shows."""

    webhook_url: str
    tools_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Created:
    """A call that was made. Both URLs let anyone in who has them: they are never stored, logged or shown."""

    call_id: str
    websocket_url: str
    control_url: str | None = None

    def __repr__(self) -> str:
        return f"Created({self.call_id!r})"


def create_body(
    session: InterviewSession, opening: Opening, hooks: Hooks, *, model: str, voices: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """`POST /call` for a session. `model` is `provider/model`, `voices` our voices' ElevenLabs ids."""
    setup = session.setup
    provider, _, model_name = model.partition("/")
    metadata = {
        "sessionId": session.id,
        "interviewType": setup.type.value,
        "timestamp": now.isoformat(),
        "prompt": PROMPT_VERSION,
    }
    system = persona.instructions(
        setup,
        [(question, _one_line(question.spoken)) for question in opening.questions],
        minutes_left=opening.minutes_left,
        notes=NOTES,
        goodbye=persona.GOODBYE_AND_HANG_UP,
    )
    server = {"timeoutSeconds": 20, "headers": {"X-Vapi-Secret": hooks.secret}}
    return {
        "name": f"prepkit-{session.id[:8]}",
        "transport": {
            "provider": "vapi.websocket",
            "audioFormat": {"format": "pcm_s16le", "container": "raw", "sampleRate": SAMPLE_RATE},
        },
        "assistant": {
            "name": persona.PERSONAS[setup.type.value],
            "firstMessage": plain(opening.first_message),
            "firstMessageMode": "assistant-speaks-first",
            "firstMessageInterruptionsEnabled": True,
            "model": {
                "provider": provider,
                "model": model_name,
                "temperature": 0.4,
                "maxTokens": 400,
                "messages": [{"role": "system", "content": system}],
                "tools": _tools(hooks),
            },
            "voice": {
                "provider": "11labs",
                "voiceId": voices[setup.voice.value],
                "model": "eleven_turbo_v2_5",
                "speed": SPEED[setup.pace],
            },
            "transcriber": {"provider": "deepgram", "model": "nova-3", "language": setup.language, "endpointing": 300},
            "serverMessages": SERVER_MESSAGES,
            "clientMessages": CLIENT_MESSAGES,
            "server": {"url": hooks.webhook_url, **server},
            "maxDurationSeconds": max(10, min(MAX_DURATION_SECONDS, round(opening.minutes_left * 60) + CLOSING_SECONDS)),
            "silenceTimeoutSeconds": SILENCE_SECONDS,
            "startSpeakingPlan": {
                "waitSeconds": min(MAX_WAIT_SECONDS, longest_wait(setup, opening.questions)),
                "smartEndpointingPlan": {"provider": "livekit"},
                "customEndpointingRules": [THINKING_RULE],
            },
            "stopSpeakingPlan": {"numWords": INTERRUPT_WORDS[setup.follow_up_style], "voiceSeconds": 0.2, "backoffSeconds": 1},
            "artifactPlan": {
                "recordingEnabled": True,
                "recordingFormat": "mp3",
                "transcriptPlan": {"enabled": True, "assistantName": "INTERVIEWER", "userName": "USER"},
            },
            "monitorPlan": {"listenEnabled": False, "controlEnabled": True},
            "endCallMessage": "Thank you. That is the end of our interview. Goodbye!",
            "metadata": metadata,
        },
        "assistantOverrides": {"variableValues": _notes(session), "metadata": metadata},
    }


def _notes(session: InterviewSession) -> dict[str, str]:
    """What the candidate wrote, as values of our own variables: bounded, and without tokens of the template language."""
    setup = session.setup
    notes = {
        "focusNotes": "; ".join([*setup.other_areas, setup.specific_requirements]),
        "company": setup.company,
        "role": setup.role,
        "level": setup.level,
    }
    return {name: _one_line(text)[:2_000] or "none given" for name, text in notes.items()}


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())


def _tools(hooks: Hooks) -> list[dict[str, Any]]:
    question_id = {"type": "string", "description": persona.QUESTION_ID}
    # No retries for tools: a repeated call would double the silence (§4.1).
    server = {"url": hooks.tools_url, "timeoutSeconds": 10, "headers": {"X-Vapi-Secret": hooks.secret}}
    # Without a start message of ours Vapi speaks a filler of its own at every call (§1.2).
    messages = [
        {"type": "request-start", "content": "Okay."},
        {"type": "request-response-delayed", "timingMilliseconds": 3000, "content": "One moment."},
    ]

    def tool(name: str, description: str, properties: dict[str, Any]) -> dict[str, Any]:
        parameters = {"type": "object", "properties": properties, "required": ["currentQuestionId"]}
        function = {"name": name, "description": description, "parameters": parameters}
        return {"type": "function", "async": False, "function": function, "server": server, "messages": messages}

    said = {"type": "string", "description": persona.USER_RESPONSE}
    properties = {
        "getFollowUpQuestion": {"currentQuestionId": question_id, "userResponse": said},
        "moveToNextQuestion": {"currentQuestionId": question_id},
    }
    return [
        *(tool(name, description, properties[name]) for name, description in persona.TOOLS.items()),
        {"type": "endCall"},
    ]


def without_silence_timeout(body: dict[str, Any]) -> dict[str, Any]:
    """The body for the one retry where Vapi names that field (§1.2)."""
    assistant = {k: v for k, v in body["assistant"].items() if k != "silenceTimeoutSeconds"}
    return body | {"assistant": assistant}


# The answer ---------------------------------------------------------------------------------------------------------
BUSY = "Every line of the voice service is taken right now."
NO_SOCKET = "The voice service gave no line for this call."


def parse_created(body: Mapping[str, Any], *, api_base: str) -> Created:
    """The call of a 201. Raises UpstreamFailed where there is no slot or no socket (§1.3)."""
    limits = body.get("subscriptionLimits")
    if isinstance(limits, Mapping) and limits.get("concurrencyBlocked") is True:
        raise UpstreamFailed(BUSY, reason="vapi_busy")
    transport, monitor = body.get("transport"), body.get("monitor")
    url = transport.get("websocketCallUrl") if isinstance(transport, Mapping) else None
    call_id = body.get("id")
    if not isinstance(url, str) or not isinstance(call_id, str) or not 0 < len(call_id) <= MAX_ID:
        raise UpstreamFailed(NO_SOCKET, reason="vapi_no_socket")
    check_url(url, api_base=api_base, scheme="wss")
    control = monitor.get("controlUrl") if isinstance(monitor, Mapping) else None
    if not isinstance(control, str) or not vapi_urls.allowed(control, api_base=api_base, scheme="https"):
        control = None
    return Created(call_id, url, control)


def check_url(url: str, *, api_base: str, scheme: str) -> str:
    """The URL, if it is Vapi's. Raises UpstreamFailed."""
    if not vapi_urls.allowed(url, api_base=api_base, scheme=scheme):
        raise UpstreamFailed(NO_SOCKET, reason="vapi_foreign_url")
    return url
