"""What the Vapi stand-in takes and refuses (C-15…C-20; vapi-protocol §1.1, §1.2, §1.5, §2.3)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from web.standins.vapi_checks import Refused, check_create
from web.standins.vapi_frames import check_frame
from web.standins.vapi_liquid import render
from web.standins.vapi_order import settle

from .vapi_client import example

ASSISTANT = ("assistant",)
TOOL = ("assistant", "model", "tools", 0)


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The protocol's create body with one field changed or added."""
    body = example("1-1-create-call")
    here = body
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return body


def complaints(body: Any) -> list[str]:
    """What Vapi would say."""
    with pytest.raises(Refused) as refused:
        check_create(body)
    return refused.value.messages


def test_the_protocols_create_body_is_taken() -> None:
    """The whole request of §1.1, and the same without anything optional."""
    assert "Technical Interviewer AI" == check_create(example("1-1-create-call")).assistant.name
    least = {"transport": {"provider": "vapi.websocket"}, "assistant": {"firstMessage": "Hello."}}
    taken = check_create(least)
    assert (600, 30) == (taken.assistant.max_duration_seconds, taken.assistant.silence_timeout_seconds)
    assert "transcript" not in taken.assistant.server_messages


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("metadata",), "property metadata should not exist"),
        (("messages",), "property messages should not exist"),
        (("tools",), "property tools should not exist"),
        (("webhookUrl",), "property webhookUrl should not exist"),
        ((*ASSISTANT, "systemPrompt"), "assistant.property systemPrompt should not exist"),
        ((*ASSISTANT, "interruptionThreshold"), "assistant.property interruptionThreshold should not exist"),
        ((*ASSISTANT, "variableValues"), "assistant.property variableValues should not exist"),
        ((*ASSISTANT, "endCallFunctionEnabled"), "assistant.property endCallFunctionEnabled should not exist"),
        ((*ASSISTANT, "voice", "id"), "assistant.voice.property id should not exist"),
        ((*ASSISTANT, "server", "token"), "assistant.server.property token should not exist"),
        ((*TOOL, "server", "token"), "assistant.model.tools.0.server.property token should not exist"),
        (("phoneNumberId",), "phoneNumberId is not allowed with the vapi.websocket transport"),
        (("phoneNumber",), "phoneNumber is not allowed with the vapi.websocket transport"),
    ],
)
def test_unknown_fields_are_refused_by_name(path: tuple[str, ...], sentence: str) -> None:
    """Anywhere in the body (C-15)."""
    assert [sentence] == complaints(changed(path, "x"))


@pytest.mark.parametrize(
    ("path", "bad", "good"),
    [
        (("name",), "n" * 41, "n" * 40),
        ((*ASSISTANT, "name"), "n" * 41, "n" * 40),
        ((*ASSISTANT, "maxDurationSeconds"), 9, 10),
        ((*ASSISTANT, "maxDurationSeconds"), 43_201, 43_200),
        ((*ASSISTANT, "silenceTimeoutSeconds"), 4, 3_600),
        ((*ASSISTANT, "startSpeakingPlan", "waitSeconds"), 5.1, 5),
        ((*ASSISTANT, "stopSpeakingPlan", "numWords"), 11, 10),
        ((*ASSISTANT, "stopSpeakingPlan", "voiceSeconds"), 0.6, 0.5),
        ((*ASSISTANT, "stopSpeakingPlan", "backoffSeconds"), 10.5, 10),
        ((*ASSISTANT, "voice", "speed"), 0.6, 0.7),
        ((*ASSISTANT, "voice", "speed"), 1.3, 1.2),
        ((*ASSISTANT, "voice", "provider"), "eleven-labs", "11labs"),
        ((*ASSISTANT, "transcriber", "endpointing"), 9, 10),
        ((*ASSISTANT, "transcriber", "endpointing"), 501, 500),
        ((*ASSISTANT, "transcriber", "eotTimeoutMs"), 400, 10_000),
        ((*ASSISTANT, "model", "temperature"), 2.1, 2),
        ((*ASSISTANT, "model", "temperature"), "warm", 0),
        ((*ASSISTANT, "model", "maxTokens"), 49, 50),
        ((*ASSISTANT, "model", "model"), "gpt-99", "gpt-4"),
        ((*ASSISTANT, "model", "provider"), "openal", "openai"),
        ((*ASSISTANT, "server", "timeoutSeconds"), 301, 300),
        ((*ASSISTANT, "server", "url"), "bridge.example", "https://bridge.example"),
        ((*ASSISTANT, "firstMessageMode"), "assistant-speaks", "assistant-waits-for-user"),
        ((*ASSISTANT, "serverMessages"), ["transcripts"], ["transcript"]),
        ((*ASSISTANT, "clientMessages"), ["end-of-call-report"], []),
        ((*ASSISTANT, "artifactPlan", "recordingFormat"), "ogg", "wav;l16"),
        ((*ASSISTANT, "hooks", 0, "on"), "customer.sleeps", "call.timeElapsed"),
        ((*TOOL, "function", "name"), "get follow up", "get-follow_up1"),
        ((*TOOL, "function", "name"), "n" * 65, "n" * 64),
        ((*TOOL, "messages", 0, "timingMilliseconds"), 99, 100),
        ((*TOOL, "type"), "functions", "function"),
        (("transport", "provider"), "daily", "vapi.websocket"),
        (("transport", "audioFormat", "sampleRate"), 200_000, 24_000),
        (("transport", "audioFormat", "format"), "opus", "pcm_s16le"),
    ],
)
def test_every_limit_is_held(path: tuple[str | int, ...], bad: Any, good: Any) -> None:
    """One past the limit is refused and the field named; the limit itself is taken."""
    (sentence,) = complaints(changed(path, bad))
    assert sentence.removeprefix(".".join(map(str, path))).removeprefix(".0").startswith(" must ")
    check_create(changed(path, good))


def test_two_tools_of_one_name_are_refused() -> None:
    """They gave duplicate calls on the real one."""
    assert ["assistant.model.tools must not contain duplicate function names: moveToNextQuestion"] == complaints(
        changed((*TOOL, "function", "name"), "moveToNextQuestion")
    )


def test_the_documents_own_create_body_is_refused() -> None:
    """C-15…C-19: the product document's request is not one Vapi knows."""
    request = {
        "assistant": {"model": "gpt-4", "systemPrompt": "…", "voice": {"provider": "eleven-labs", "voiceId": "professional-neutral"}},
        "phoneNumber": "+15550100", "customerName": "Asha", "webhookUrl": "https://x", "metadata": {}, "messages": [], "tools": [],
    }  # fmt: skip
    named = {sentence.split()[0] if "property" not in sentence else sentence.split()[1] for sentence in complaints(request)}
    assert {"phoneNumber", "transport", "customerName", "webhookUrl", "metadata", "messages", "tools", "assistant.model"} <= named


@pytest.mark.parametrize("frame", example("2-3-client-frames"), ids=lambda frame: frame["type"])
def test_the_protocols_client_frames_are_taken(frame: dict[str, Any]) -> None:
    """§2.3, and each refused with a field more."""
    assert frame["type"] == check_frame(frame).type
    with pytest.raises(Refused, match="property extra should not exist"):
        check_frame({**frame, "extra": 1})


@pytest.mark.parametrize(
    "frame", [{"type": "hangup"}, {"type": "say", "message": "Hi."}, {"type": "control", "control": "mute"}, [], 7]
)
def test_other_client_frames_are_refused(frame: Any) -> None:
    """Among them the two spellings the docs and the web SDK disagree about."""
    with pytest.raises(Refused):
        check_frame(frame)


@pytest.mark.parametrize(
    ("text", "rendered", "leaks"),
    [
        ("Hello {{candidateName}}.", "Hello Asha.", 0),
        ("Hello {{ candidateName }}, {{-candidateName-}}.", "Hello Asha, Asha.", 0),
        ("A {{stranger}}.", "A .", 1),
        ("{{ candidateName | upcase }}", "", 1),
        ("{% for x in y %}z{% endfor %}", "z", 2),
        ("an open {{ one", "an open  one", 1),
        ("{{evil}}", "", 1),
        ("{{sly}}", "{{candidateName}}", 0),
        ("{single} 100 % }}", "{single} 100 % }}", 0),
    ],
)
def test_templates_are_rendered_as_liquid_does(text: str, rendered: str, leaks: int) -> None:
    """Values are not rendered again; anything that is no variable of ours is counted."""
    assert (rendered, leaks) == render(text, {"candidateName": "Asha", "sly": "{{candidateName}}"})


def test_overrides_and_leaks_are_settled() -> None:
    """Overrides win; a leak is reported by its place, metadata is left alone."""
    request = example("1-1-create-call")
    request["assistant"]["model"]["messages"][0]["content"] = "Interview {{candidateName}} about {{ candidate_text }}."
    request["assistant"]["metadata"]["note"] = "{{kept}}"
    request["assistantOverrides"]["firstMessage"] = "Hello, {{candidateName}}!"
    order = settle(check_create(request), copy.deepcopy(request))

    assert "Hello, Asha!" == order.assistant.first_message
    assert ["assistant.model.messages.0.content"] == order.leaks
    assert "{{kept}}" == order.raw_assistant["metadata"]["note"]
    assert [] == settle(check_create(example("1-1-create-call")), example("1-1-create-call")).leaks
