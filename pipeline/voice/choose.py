"""Makes the recogniser and the voice of one call, as `available` picks them. Read next: `sphinx`, `synthesis`, `local_models`."""

from __future__ import annotations

from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable

from . import local_models
from .available import RECOGNISERS, VOICES, pick, voiceless
from .synthesis import Espeak, Flite, LocalSpeech, Synthesiser


def choose_recogniser(preference: str = "auto") -> STTService | None:
    """A recogniser for one call; None for typed answers only. Raises VoiceUnavailable for a preference that is not installed."""
    match pick(preference, RECOGNISERS):
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
    match pick(preference, {"flite": "", "espeak": ""}):
        case "flite":
            return Flite()
        case "espeak":
            return Espeak()
        case _:
            raise VoiceUnavailable(voiceless(preference))


def choose_voice(voice: Voice, pace: Pace, preference: str = "auto") -> TTSService:
    """A voice for one call. Raises VoiceUnavailable when none is installed."""
    if pick(preference, VOICES) == "kokoro":
        return local_models.kokoro(voice, pace)
    return LocalSpeech(choose_synthesiser(preference), voice, pace)
