"""Voice activity and end of turn for one call, on models loaded once per process.

Stock pipecat loads both ONNX models for every call: 24 MB and 0.13 s on the event loop each time (pipecat.md §9). The sessions are stateless and shared here;
Silero's recurrent state stays with its own instance. Read next: `pipeline.call`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn.base_smart_turn import BaseSmartTurn, SmartTurnParams
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams

from . import silero

MIN_VOLUME = 0.25
"""Quiet microphones fail pipecat's 0.6."""


@cache
def _silero() -> SileroVADAnalyzer:
    return SileroVADAnalyzer()


@cache
def _smart_turn() -> LocalSmartTurnAnalyzerV3:
    return LocalSmartTurnAnalyzerV3()


class SharedSilero(SileroVADAnalyzer):
    """Silero over the process's one session, with a state of its own."""

    def __init__(self, params: VADParams) -> None:
        VADAnalyzer.__init__(self, params=params)
        self._model = copy.copy(_silero()._model)
        self._model.reset_states()
        self._windows_since_reset = 0
        self._low_confidence_windows = 0


class SharedSmartTurn(LocalSmartTurnAnalyzerV3):
    """Smart-turn over the process's one session; `pause_seconds` tells how long an unfinished sentence may be thought about just now."""

    def __init__(self, pause_seconds: Callable[[], float]) -> None:
        BaseSmartTurn.__init__(self, params=SmartTurnParams(stop_secs=pause_seconds()))
        self._log_data = False
        self._session = _smart_turn()._session
        self._prepkit_pause_seconds = pause_seconds

    def append_audio(self, buffer: bytes, is_speech: bool) -> EndOfTurnState:
        """As pipecat's, by the patience of the question on the floor."""
        self._stop_ms = self._prepkit_pause_seconds() * 1000
        return super().append_audio(buffer, is_speech)


def make_vad() -> SharedSilero:
    """Voice activity detection for one call."""
    return SharedSilero(VADParams(min_volume=MIN_VOLUME))


def make_turn_analyzer(pause_seconds: Callable[[], float]) -> SharedSmartTurn:
    """End-of-turn detection for one call; patient, since interviews have long pauses, and some questions longer ones."""
    return SharedSmartTurn(pause_seconds)


def warm_up() -> None:
    """Load the models; run it off the event loop."""
    _silero()
    silero.session()
    _smart_turn()
