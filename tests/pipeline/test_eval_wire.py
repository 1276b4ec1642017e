"""The evals harness's wire: its audio, its three controls and what every candidate may say, and nothing else."""

import base64
import json

import pytest

from bridge.errors import InvalidInput
from bridge.wire.candidate import AudioIn, RtviIn, Verb
from pipeline.eval_wire import EvalWire

WIRE = EvalWire()


def message(type_, **data):
    """An RTVI message as the harness sends it."""
    return json.dumps({"label": "rtvi-ai", "type": type_, "id": "1", "data": data})


def audio(pcm, rate=16_000, channels=1):
    """Its microphone."""
    return message("raw-audio", base64Audio=base64.b64encode(pcm).decode(), sampleRate=rate, numChannels=channels)


def test_its_audio_is_the_microphone():
    """Base64 in RTVI becomes PCM, and comes out the same way."""
    sent = json.loads(WIRE.encode_audio(b"\1\0" * 10))["data"]

    assert WIRE.decode(audio(b"\1\0" * 640)) == AudioIn(b"\1\0" * 640)
    assert (base64.b64decode(sent["audio"]), sent["sampleRate"]) == (b"\1\0" * 10, 16_000)


@pytest.mark.parametrize("t", ["eval-configure", "eval-context", "eval-cancel"])
def test_its_controls_go_through(t):
    """The three controls reach the pipeline."""
    assert isinstance(WIRE.decode(message("client-message", t=t, d={})), RtviIn)


def test_it_may_say_what_a_candidate_may_say():
    """Typed answers and our verbs mean the same here; flags on connecting and unknown kinds are ignored."""
    typed = WIRE.decode(message("send-text", content="An answer", options={"run_immediately": True}))

    assert isinstance(typed, Verb)
    assert (typed.t, typed.d) == ("text", {"text": "An answer"})
    assert isinstance(WIRE.decode(message("client-ready", version="2.2.0")), RtviIn)
    assert WIRE.decode(message("client-message", t="eval-connect", d={"skip_tts": True})) is None
    assert WIRE.decode(message("llm-function-call-result", result={})) is None


@pytest.mark.parametrize(
    "data",
    [
        audio(b"\1\0" * 640, rate=24_000),
        audio(b"\1\0" * 640, channels=2),
        audio(b"\1" * 641),
        audio(b"\1\0" * 3201),
        message("raw-audio", base64Audio="?", sampleRate=16_000, numChannels=1),
        message("client-message", t="eval-image", d={}),
        '{"type": "raw-audio"}',
        "NaN",
        "x" * 70_000,
    ],
)
def test_bad_messages_are_refused_in_words(data):
    """Wrong audio, unknown controls and broken JSON are answered like any candidate's."""
    with pytest.raises(InvalidInput):
        WIRE.decode(data)
