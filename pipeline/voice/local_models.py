"""The `local` extra: pipecat's Moonshine recogniser and Kokoro voice, loaded only when chosen.

Both fetch their models at first use and keep them in the user's cache. A missing package is said in words, with what to install.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService

from bridge.domain.setup import Pace, Voice
from bridge.errors import VoiceUnavailable

KOKORO_VOICES = {Voice.NEUTRAL: "af_sarah", Voice.WARM: "af_heart", Voice.DEEP: "am_michael"}
KOKORO_SPEED = {Pace.SLOW: 0.85, Pace.MODERATE: 1.0, Pace.FAST: 1.15}
NO_MODEL = "It is fetched once, at first use; that needs the network."
INSTALL = "Install the `local` extra: uv sync --locked --inexact --extra local."


def moonshine() -> STTService:
    """A Moonshine recogniser; loads its model, so not on the event loop. Raises VoiceUnavailable in words."""
    try:
        from pipecat.services.moonshine.stt import MoonshineSTTService  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise VoiceUnavailable(f"Moonshine is not installed. {INSTALL}") from error
    with _model_of("Moonshine"):
        return MoonshineSTTService()


def kokoro(voice: Voice, pace: Pace) -> TTSService:
    """A Kokoro voice; loads its model, so not on the event loop. Raises VoiceUnavailable in words."""
    try:
        from pipecat.services.kokoro.tts import KokoroTTSService  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise VoiceUnavailable(f"Kokoro is not installed. {INSTALL}") from error
    settings = KokoroTTSService.Settings(voice=KOKORO_VOICES[voice], speed=KOKORO_SPEED[pace])
    with _model_of("Kokoro"):
        return KokoroTTSService(settings=settings)


@contextmanager
def _model_of(engine: str) -> Iterator[None]:
    """A model that cannot be fetched (requests' errors are OSErrors too), read or used is said in words."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        message = f"{engine} is installed, but its model could not be fetched or loaded: {type(error).__name__}. {NO_MODEL}"
        raise VoiceUnavailable(message) from error
