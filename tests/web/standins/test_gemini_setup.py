"""The first message of a Live session: what Gemini refuses there, with its close code and words."""

from __future__ import annotations

from typing import Any

import pytest

from web.standins.gemini_errors import LiveClose
from web.standins.gemini_models import MODELS
from web.standins.gemini_setup import check_setup, read_message

SETUP = {"model": "models/gemini-3.8-live", "generationConfig": {"responseModalities": ["AUDIO"]}}
EXTENDED = "models/gemini-3.8-live-extended-thinking"
TOOL = {"functionDeclarations": [{"name": "f", "description": "d", "behavior": "BLOCKING"}]}


def refused(setup: dict[str, Any]) -> LiveClose:
    """How this setup ends."""
    with pytest.raises(LiveClose) as caught:
        check_setup(read_message({"setup": setup})[1], MODELS, "v1beta")
    return caught.value


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown model": ({"model": "models/gemini-9-live"}, 1008, "is not found for API version v1beta, or is not supported for bidiGenerateContent"),
    "model without its prefix": ({"model": "gemini-3.8-live"}, 1008, "is not found"),
    "model that is not live": ({"model": "models/gemini-3.8-flash"}, 1008, "is not found"),
    "text only": ({"generationConfig": {"responseModalities": ["TEXT"]}}, 1007, "Cannot extract voices from a non-audio request."),
    "text and audio": ({"generationConfig": {"responseModalities": ["TEXT", "AUDIO"]}}, 1007, "Request contains an invalid argument."),
    "a schema": ({"generationConfig": {"responseMimeType": "application/json"}}, 1007, "responseMimeType is not supported by the Live API."),
    "temperature": ({"generationConfig": {"temperature": "hot"}}, 1007, "Invalid value at 'setup.generation_config.temperature'"),
    "thinking level": ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}, 1007, "Thinking level is not supported"),
    "no thinking level": ({"model": EXTENDED}, 1007, "A thinking level is required"),
    "minimal thinking": (
        {"model": EXTENDED, "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}, 1007, "'minimal' is not a supported thinking level",
    ),
    "blocking where nothing blocks": (
        {"model": EXTENDED, "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}, "tools": [TOOL]}, 1007, "BLOCKING is not supported",
    ),
    "affective dialog": ({"generationConfig": {"enableAffectiveDialog": True}}, 1007, 'Unknown name "enableAffectiveDialog"'),
    "proactive audio off": ({"proactivity": {"proactiveAudio": False}}, 1007, "Proactive audio cannot be disabled"),
    "unknown voice": (
        {"generationConfig": {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Bob"}}}}}, 1007, "Requested voice api_name 'Bob'",
    ),
    "transparent resumption": ({"sessionResumption": {"transparent": True}}, 1007, 'Unknown name "transparent"'),
    "unknown field": ({"colour": 1}, 1007, "Unknown name \"colour\" at 'setup': Cannot find field."),
    "empty instruction": ({"systemInstruction": {"parts": []}}, 1007, "system_instruction.parts must not be empty."),
    "function name": ({"tools": [{"functionDeclarations": [{"name": "2 fast"}]}]}, 1007, "Invalid function name."),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_setup_refused(name):
    """Each ends the session."""
    change, code, reason = REFUSED[name]

    end = refused(SETUP | change)

    assert end.code == code
    assert reason in end.reason
    assert len(end.message) <= 123


def test_setup_says_what_the_session_is():
    """Detection, interruptions, history and handles as asked; the defaults otherwise."""
    plain = check_setup(SETUP, MODELS, "v1beta")
    detection = {
        "automaticActivityDetection": {"disabled": True, "silenceDurationMs": 300},
        "activityHandling": "NO_INTERRUPTION",
    }
    told = check_setup(
        SETUP
        | {
            "realtimeInputConfig": detection,
            "historyConfig": {"initialHistoryInClientContent": True},
            "sessionResumption": {"handle": "h"},
            "contextWindowCompression": {"slidingWindow": {"targetTokens": 1000}, "triggerTokens": 2000},
            "systemInstruction": {"parts": [{"text": "Be kind."}]},
            "tools": [TOOL],
        },
        MODELS,
        "v1beta",
    )

    assert (plain.listens, plain.interruptible, plain.silence_ms, plain.waits_for_history, plain.resumable) == (
        True,
        True,
        800,
        False,
        False,
    )
    assert (told.listens, told.interruptible, told.silence_ms, told.waits_for_history, told.resumable) == (
        False,
        False,
        300,
        True,
        True,
    )
    assert (told.handle, told.system, list(told.functions)) == ("h", "Be kind.", ["f"])


@pytest.mark.parametrize("message", [{}, {"setup": {}, "client_content": {}}, {"hello": {}}, [1]])
def test_a_message_is_exactly_one_thing(message):
    """Nothing, two at once and the unknown are refused."""
    with pytest.raises(LiveClose):
        read_message(message)


def test_messages_come_in_both_spellings():
    """snake_case outside, camelCase inside, URL-safe base64."""
    assert read_message({"realtime_input": {"audio": {"data": "-_8=", "mime_type": "audio/pcm;rate=16000"}}}) == (
        "realtimeInput",
        {"audio": {"data": b"\xfb\xff", "mimeType": "audio/pcm;rate=16000"}},
    )
