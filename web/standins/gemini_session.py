"""What is known of a Live session: how it is to behave, what happened in it, what a handle brings back, what it cost.

Read next: `gemini_live`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .gemini_answers import tokens
from .gemini_interviewer import LiveBrain, ScriptedInterviewer
from .gemini_setup import Setup, text_of
from .gemini_voice import speak

TRANSCRIPT_WORDS = 4
AUDIO_TOKENS_PER_SECOND = 25


@dataclass(frozen=True)
class LiveOptions:
    """How Live sessions behave."""

    interviewer: Callable[[], LiveBrain] = ScriptedInterviewer
    voice: Callable[[str], Awaitable[bytes]] = speak
    """Text to PCM16 at 24 kHz."""
    send_speed: float = 1.3
    """Audio is sent this much faster than it plays."""
    play_speed: float = 1.0
    """How fast the client is taken to play; more than 1 only to hurry a test."""
    delay: float = 0.2
    """Seconds of thought before a turn."""


@dataclass
class ToolUse:
    """A function call and what became of it."""

    id: str
    name: str
    args: dict[str, Any]
    response: dict[str, Any] | None = None
    cancelled: bool = False


@dataclass
class LiveSession:
    """One connection, as a test sees it."""

    n: int
    version: str
    opened_at: float = field(default_factory=time.monotonic)
    setup: Setup | None = None
    resumed: bool = False
    received: list[str] = field(default_factory=list)
    """Kinds of messages, audio left out."""
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    audio_seconds: float = 0.0
    """Audio that came in."""
    spoken_seconds: float = 0.0
    """Audio that went out."""
    interruptions: int = 0
    turns: int = 0
    """Turns completed."""
    handles: list[str] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    """By us or by the client."""


@dataclass
class Memory:
    """What a handle brings back."""

    chain: str
    history: list[dict[str, Any]] = field(default_factory=list)
    brain: LiveBrain = field(default_factory=ScriptedInterviewer)
    begun: bool = False
    model: str = ""


def usage(setup: Setup, memory: Memory, session: LiveSession) -> dict[str, Any]:
    """usageMetadata after a turn."""
    heard = int(session.audio_seconds * AUDIO_TOKENS_PER_SECOND)
    texts = tokens(setup.system) + sum(tokens(text_of(content)) for content in memory.history)
    said = int(session.spoken_seconds * AUDIO_TOKENS_PER_SECOND)
    return {
        "promptTokenCount": texts + heard,
        "responseTokenCount": said,
        "totalTokenCount": texts + heard + said,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": texts}, {"modality": "AUDIO", "tokenCount": heard}],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": said}],
    }


def pieces(text: str) -> Iterator[str]:
    """A few words at a time, each but the first with the space before it."""
    words = text.split()
    for at in range(0, len(words), TRANSCRIPT_WORDS):
        yield (" " if at else "") + " ".join(words[at : at + TRANSCRIPT_WORDS])
