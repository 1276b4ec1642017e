"""Words Vapi's API knows: providers, models and message types, as its typed SDK lists them (vapi-server-sdk 3.0.0).

Read next: `vapi_checks`, which refuses any other.
"""

from __future__ import annotations

from typing import Literal

FirstMessageMode = Literal[
    "assistant-speaks-first", "assistant-waits-for-user", "assistant-speaks-first-with-model-generated-message"
]
RecordingFormat = Literal["wav;l16", "mp3"]
Role = Literal["system", "assistant", "user", "function", "tool"]
Control = Literal["mute-assistant", "unmute-assistant", "mute-customer", "unmute-customer", "say-first-message"]

FINAL_TRANSCRIPT = 'transcript[transcriptType="final"]'
ServerMessage = Literal[
    "assistant.started", "assistant.speechStarted", "conversation-update", "end-of-call-report", "function-call", "hang",
    "language-changed", "language-change-detected", "model-output", "phone-call-control", "speech-update", "status-update",
    "transcript", 'transcript[transcriptType="final"]', "tool-calls", "transfer-destination-request",
    "handoff-destination-request", "transfer-update", "user-interrupted", "voice-input", "chat.created", "chat.deleted",
    "session.created", "session.updated", "session.deleted", "call.deleted", "call.delete.failed", "call.artifact.upload",
]  # fmt: skip
ClientMessage = Literal[
    "conversation-update", "assistant.speechStarted", "function-call", "function-call-result", "hang", "language-changed",
    "metadata", "model-output", "speech-update", "status-update", "transcript", "tool-calls", "tool-calls-result",
    "tool.completed", "transfer-update", "user-interrupted", "voice-input", "workflow.node.started", "assistant.started",
]  # fmt: skip
DEFAULT_SERVER_MESSAGES: tuple[ServerMessage, ...] = (
    "conversation-update", "end-of-call-report", "function-call", "hang", "speech-update", "status-update", "tool-calls",
    "transfer-destination-request", "handoff-destination-request", "user-interrupted", "assistant.started",
)  # fmt: skip
"""What a server gets when the assistant names nothing: no transcript."""
DEFAULT_CLIENT_MESSAGES: tuple[ClientMessage, ...] = (
    "conversation-update", "function-call", "hang", "model-output", "speech-update", "status-update", "transfer-update",
    "transcript", "tool-calls", "user-interrupted", "voice-input", "workflow.node.started", "assistant.started",
)  # fmt: skip

OtherModelProvider = Literal[
    "anthropic-bedrock", "anyscale", "cerebras", "deepinfra", "deep-seek", "groq", "inflection-ai", "minimax", "openrouter",
    "perplexity-ai", "together-ai", "xai", "vapi",
]  # fmt: skip
OtherVoiceProvider = Literal[
    "azure", "cartesia", "custom-voice", "deepgram", "hume", "lmnt", "neuphonic", "openai", "playht", "wellsaid", "rime-ai",
    "smallest-ai", "tavus", "vapi", "sesame", "inworld", "minimax", "xai", "microsoft",
]  # fmt: skip
OtherTranscriberProvider = Literal[
    "assembly-ai", "azure", "custom-transcriber", "11labs", "gladia", "google", "speechmatics", "talkscriber", "openai",
    "cartesia", "soniox", "xai", "vapi",
]  # fmt: skip
OtherTool = Literal[
    "apiRequest", "bash", "code", "computer", "dtmf", "gohighlevel.calendar.availability.check",
    "gohighlevel.calendar.event.create", "gohighlevel.contact.create", "gohighlevel.contact.get",
    "google.calendar.availability.check", "google.calendar.event.create", "google.sheets.row.append", "handoff", "mcp", "query",
    "slack.message.send", "sms", "textEditor", "transferCall", "sipRequest", "voicemail",
]  # fmt: skip
GoogleModel = Literal[
    "gemini-3.5-flash", "gemini-3.1-flash-lite", "gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash",
    "gemini-2.5-flash-lite", "gemini-2.0-flash-thinking-exp", "gemini-2.0-pro-exp-02-05", "gemini-2.0-flash",
    "gemini-2.0-flash-lite", "gemini-2.0-flash-exp", "gemini-2.0-flash-realtime-exp", "gemini-1.5-flash",
    "gemini-1.5-flash-002", "gemini-1.5-pro", "gemini-1.5-pro-002", "gemini-1.0-pro",
]  # fmt: skip
ElevenLabsModel = Literal[
    "eleven_multilingual_v2", "eleven_turbo_v2", "eleven_turbo_v2_5", "eleven_flash_v2", "eleven_flash_v2_5",
    "eleven_monolingual_v1", "eleven_v3", "eleven_v4_turbo",
]  # fmt: skip
_OPENAI = """
    gpt-6-luna gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-5.5 chat-latest gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.2 gpt-5.2-chat-latest
    gpt-5.1 gpt-5.1-chat-latest gpt-5 gpt-5-chat-latest gpt-5-mini gpt-5-nano gpt-4.1-2025-04-14 gpt-4.1-mini-2025-04-14
    gpt-4.1-nano-2025-04-14 gpt-4.1 gpt-4.1-mini gpt-4.1-nano chatgpt-4o-latest o3 o3-mini o4-mini o1-mini o1-mini-2024-09-12
    gpt-4o-realtime-preview-2024-10-01 gpt-4o-realtime-preview-2024-12-17 gpt-4o-mini-realtime-preview-2024-12-17
    gpt-realtime-2025-08-28 gpt-realtime-mini-2025-12-15 gpt-realtime-2 gpt-4o-mini-2024-07-18 gpt-4o-mini gpt-4o gpt-4o-2024-05-13
    gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4-turbo gpt-4-turbo-2024-04-09 gpt-4-turbo-preview gpt-4-0125-preview gpt-4-1106-preview
    gpt-4 gpt-4-0613 gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-3.5-turbo-1106 gpt-3.5-turbo-16k gpt-3.5-turbo-0613 gpt-live-1
"""
OPENAI_MODELS = frozenset(_OPENAI.split())
"""Each may be followed by `:region`."""
