"""Which recogniser and which voice a call gets, and what to call them in words.

`auto` takes the best that is installed: Moonshine and Kokoro of the `local` extra, else pocketsphinx, else typed answers only; flite, else eSpeak NG.
`describe` looks without loading anything. Read next: `sphinx`, `synthesis`, `local_models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable

from . import local_models
from .synthesis import Espeak, Flite, LocalSpeech, Synthesiser, flite_installed

SPHINX_LABEL = "PocketSphinx, a small recogniser on this machine (demonstration quality)"
TYPED_LABEL = "nobody: answers are typed here"
RECOGNISERS = {"moonshine": local_models.MOONSHINE_LABEL, "pocketsphinx": SPHINX_LABEL, "none": TYPED_LABEL}
VOICES = {"kokoro": local_models.KOKORO_LABEL, "flite": Flite.label, "espeak": Espeak.label}


@dataclass(frozen=True)
class Voices:
    """What will hear and speak."""

    recogniser: str
    voice: str
    hears: bool
    speaks: bool
    problem: str | None
    """What is missing, as a sentence."""


def _has(package: str) -> bool:
    return find_spec(package) is not None


def _installed() -> dict[str, bool]:
    return {
        "moonshine": _has("moonshine_voice"),
        "pocketsphinx": _has("pocketsphinx"),
        "none": True,
        "kokoro": _has("kokoro_onnx"),
        "flite": flite_installed(),
        "espeak": _has("espeakng_loader"),
    }


def _pick(preference: str, among: dict[str, str]) -> str | None:
    installed = _installed()
    if preference != "auto":
        return preference if installed.get(preference) else None
    return next((name for name in among if installed[name]), None)


def describe(recogniser: str = "auto", speech: str = "auto") -> Voices:
    """What would be used, without loading it."""
    ears, mouth = _pick(recogniser, RECOGNISERS), _pick(speech, VOICES)
    problems = []
    if ears is None:
        problems.append(f"The recogniser {recogniser} is not installed.")
    if mouth is None:
        problems.append(_voiceless(speech))
    return Voices(
        recogniser=RECOGNISERS[ears or "none"],
        voice=VOICES[mouth] if mouth else "no voice",
        hears=ears not in (None, "none"),
        speaks=mouth is not None,
        problem=" ".join(problems) or None,
    )


def _voiceless(preference: str) -> str:
    what = "No voice" if preference == "auto" else f"The voice {preference}"
    return f"{what} is {'' if preference == 'auto' else 'not '}installed: install flite, or the `embedded` extra."


def choose_recogniser(preference: str = "auto") -> STTService | None:
    """A recogniser for one call; None for typed answers only. Raises VoiceUnavailable for a preference that is not installed."""
    match _pick(preference, RECOGNISERS):
        case "moonshine":
            return local_models.moonshine()
        case "pocketsphinx":
            from .sphinx import PocketSphinxSTT  # noqa: PLC0415 - only when it is the one

            return PocketSphinxSTT()
        case "none":
            return None
        case _:
            raise VoiceUnavailable(f"The recogniser {preference} is not installed.")


def choose_synthesiser(preference: str = "auto") -> Synthesiser:
    """One of the small voices. Raises VoiceUnavailable when it is not installed."""
    match _pick(preference, {"flite": "", "espeak": ""}):
        case "flite":
            return Flite()
        case "espeak":
            return Espeak()
        case _:
            raise VoiceUnavailable(_voiceless(preference))


def choose_voice(voice: Voice, pace: Pace, preference: str = "auto") -> TTSService:
    """A voice for one call. Raises VoiceUnavailable when none is installed."""
    if _pick(preference, VOICES) == "kokoro":
        return local_models.kokoro(voice, pace)
    return LocalSpeech(choose_synthesiser(preference), voice, pace)
