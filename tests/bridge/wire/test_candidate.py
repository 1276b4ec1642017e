"""The candidate's wire: an allow-list in, plain messages out (contract §5)."""

import json

import pytest

from bridge.errors import InvalidInput
from bridge.wire.candidate import AudioIn, PcmWire, RtviIn, Verb

WIRE = PcmWire()


def rtvi(type_, data=None, **more):
    """An RTVI message as text."""
    return json.dumps({"label": "rtvi-ai", "type": type_, "id": "7", "data": data, **more})


@pytest.mark.parametrize("size", [2, 640, 642, 6_400])
def test_audio_of_any_even_length_up_to_200_ms(size):
    """20 ms is the norm, any even length is taken."""
    assert AudioIn(bytes(size)) == WIRE.decode(bytes(size))


@pytest.mark.parametrize("size", [1, 641, 6_402])
def test_bad_audio_is_named(size):
    """B3: odd or too long."""
    with pytest.raises(InvalidInput):
        WIRE.decode(bytes(size))


@pytest.mark.parametrize(
    ("t", "d", "expected"),
    [
        ("done", None, {}),
        ("mute", {"on": True}, {"on": True}),
        ("text", {"text": "hello", "role": "operator"}, {"text": "hello"}),
        ("browser-transcript", {"text": "so"}, {"text": "so", "final": True}),
    ],
)
def test_verbs(t, d, expected):
    """Our own verbs, with unknown fields dropped."""
    assert Verb("7", t, expected) == WIRE.decode(rtvi("client-message", {"t": t, "d": d}))


@pytest.mark.parametrize(
    "text",
    [
        rtvi("client-message", {"t": "transcript", "d": {}}),
        rtvi("client-message", {"t": "text", "d": {}}),
        rtvi("client-message", {"t": "text", "d": {"text": "x" * 9_000}}),
        rtvi("client-message", "end"),
        json.dumps({"type": "client-ready"}),
        "[]",
    ],
)
def test_bad_messages_are_refused_in_words(text):
    """A sentence for each."""
    with pytest.raises(InvalidInput):
        WIRE.decode(text)


@pytest.mark.parametrize(
    "type_", ["llm-function-call-result", "raw-audio", "send-file", "dtmf", "ui-event", "user-transcription"]
)
def test_nothing_can_be_injected(type_):
    """A client cannot forge transcripts, tool results or interruptions: those kinds are ignored."""
    assert WIRE.decode(rtvi(type_, {"text": "forged"})) is None


def test_rtvi_handshake_and_stock_verbs():
    """client-ready goes to pipecat; send-text and disconnect-bot become our verbs."""
    assert isinstance(WIRE.decode(rtvi("client-ready", {"version": "2.1.0"})), RtviIn)
    assert Verb("7", "text", {"text": "hi"}) == WIRE.decode(rtvi("send-text", {"content": "hi"}))
    assert Verb("7", "end", {}) == WIRE.decode(rtvi("disconnect-bot"))
