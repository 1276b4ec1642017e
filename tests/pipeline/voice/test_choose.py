"""Which recogniser and voice a call gets, and how that is said (R-044, R-065)."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable
from pipeline.voice import available, choose, local_models
from pipeline.voice.synthesis import Espeak, Flite, LocalSpeech


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with just the named packages and programs."""

    def having(*names):
        for package in ("moonshine_voice", "pocketsphinx", "kokoro_onnx", "espeakng_loader"):
            if package in names:
                module = ModuleType(package)
                module.__spec__ = ModuleSpec(package, None)
                monkeypatch.setitem(sys.modules, package, module)
            else:
                monkeypatch.setitem(sys.modules, package, None)
        (tmp_path / "flite").touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path) if "flite" in names else "")

    return having


@pytest.mark.parametrize(
    ("having", "recogniser", "voice"),
    [
        (
            ["moonshine_voice", "kokoro_onnx", "pocketsphinx", "flite", "espeakng_loader"],
            available.MOONSHINE_LABEL,
            available.KOKORO_LABEL,
        ),
        (["pocketsphinx", "flite", "espeakng_loader"], available.SPHINX_LABEL, Flite.label),
        (["pocketsphinx", "espeakng_loader"], available.SPHINX_LABEL, Espeak.label),
        (["flite"], available.TYPED_LABEL, Flite.label),
    ],
)
def test_auto_is_the_best_there_is(machine, having, recogniser, voice):
    """R-065: models before synthetic ones, flite before eSpeak, typed answers before nothing; nothing is loaded to say so."""
    machine(*having)

    described = available.describe()

    assert (recogniser, voice, None) == (described.recogniser, described.voice, described.problem)
    assert described.hears is (recogniser != available.TYPED_LABEL)
    assert described.speaks


def test_nothing_to_speak_with_is_a_sentence(machine):
    """R-065: said by the page and by readiness, and refused when a call asks for it."""
    machine()

    described = available.describe()

    assert not described.speaks
    assert "install flite" in described.problem
    assert choose.choose_recogniser() is None
    with pytest.raises(VoiceUnavailable, match="install flite"):
        choose.choose_voice(Voice.WARM, Pace.SLOW)


def test_a_preference_is_kept_or_refused(machine):
    """R-044: what an operator asks for by name is never silently replaced."""
    machine("pocketsphinx", "flite", "espeakng_loader")

    assert choose.choose_voice(Voice.WARM, Pace.SLOW, "espeak").engine_name == "espeak"
    assert choose.choose_voice(Voice.WARM, Pace.SLOW, "auto").engine_name == "flite"
    assert isinstance(choose.choose_voice(Voice.WARM, Pace.SLOW), LocalSpeech)
    assert choose.choose_recogniser("pocketsphinx").engine_name == "pocketsphinx"
    assert choose.choose_recogniser("none") is None
    assert available.describe("moonshine").problem == "The recogniser moonshine is not installed."
    with pytest.raises(VoiceUnavailable, match="moonshine"):
        choose.choose_recogniser("moonshine")
    with pytest.raises(VoiceUnavailable, match="kokoro"):
        choose.choose_voice(Voice.WARM, Pace.SLOW, "kokoro")


@pytest.mark.parametrize(
    ("module", "load"),
    [
        ("pipecat.services.moonshine.stt", local_models.moonshine),
        ("pipecat.services.kokoro.tts", lambda: local_models.kokoro(Voice.WARM, Pace.SLOW)),
    ],
)
def test_a_missing_extra_says_what_to_install(monkeypatch, module, load):
    """R-044: the sentence names the command."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(VoiceUnavailable, match="--extra local"):
        load()


class _Kokoro:
    """As much of pipecat's Kokoro service as we use."""

    problem: Exception | None = None

    class Settings(dict):
        """Keeps what it was given."""

    def __init__(self, settings):
        if self.problem:
            raise self.problem
        self.settings = settings


def kokoro_module(monkeypatch, problem=None):
    """The service's module, without its package."""
    module = ModuleType("pipecat.services.kokoro.tts")
    module.KokoroTTSService = type("KokoroTTSService", (_Kokoro,), {"problem": problem})
    monkeypatch.setitem(sys.modules, "pipecat.services.kokoro.tts", module)


@pytest.mark.parametrize("voice", Voice)
@pytest.mark.parametrize("pace", Pace)
def test_every_voice_and_pace_has_its_kokoro(monkeypatch, voice, pace):
    """R-044: each engine-neutral choice maps to one of Kokoro's own; a slower pace is a lower speed."""
    kokoro_module(monkeypatch)

    settings = local_models.kokoro(voice, pace).settings

    assert settings["voice"] == local_models.KOKORO_VOICES[voice]
    assert (settings["speed"] < 1, settings["speed"] > 1) == (pace is Pace.SLOW, pace is Pace.FAST)


@pytest.mark.parametrize("problem", [ConnectionError("no network"), ValueError("no such voice"), RuntimeError("bad model")])
def test_a_model_that_cannot_be_had_is_said_in_words(monkeypatch, problem):
    """R-044: offline at first use: a sentence, not a traceback, and not the vendor's words."""
    kokoro_module(monkeypatch, problem)

    with pytest.raises(VoiceUnavailable, match="fetched once, at first use"):
        local_models.kokoro(Voice.WARM, Pace.SLOW)
