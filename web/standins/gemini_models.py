"""The models there are and what each of them takes, as documented in November 2026.

Sources: ai.google.dev model pages (3.8 Flash: thinking low, medium, high, MINIMAL refused; 3.8 Live: no thinking level, AUDIO only, proactive audio
always on) and public reports of refusals. Read next: `gemini_checks`, `gemini_setup`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEVELS = frozenset({"LOW", "MEDIUM", "HIGH"})
LEVELS_AND_MINIMAL = LEVELS | {"MINIMAL"}


@dataclass(frozen=True)
class Model:
    """One model. Limits in tokens."""

    name: str
    title: str
    live: bool = False
    input_limit: int = 1_048_576
    output_limit: int = 65_536
    levels: frozenset[str] = LEVELS
    """Thinking levels it takes; empty where a level is refused."""
    level: str = "MEDIUM"
    """What it thinks at when not told."""
    budget: tuple[int, int] | None = (0, 65_535)
    """Thinking budget it takes; None where a budget is refused."""
    needs_level: bool = False
    blocking_tools: bool = True
    """Live: whether a function may be declared BLOCKING."""
    modern: bool = True
    """Generation 3 and later: tools beside JSON, thought signatures demanded, `mediaChunks` refused, bare refusals of schemas."""

    @property
    def methods(self) -> list[str]:
        """Methods it supports."""
        return ["bidiGenerateContent"] if self.live else ["generateContent", "countTokens", "createCachedContent"]

    @property
    def card(self) -> dict[str, Any]:
        """As `models.get` shows it."""
        return {
            "name": f"models/{self.name}",
            "version": self.name.removeprefix("gemini-").split("-")[0],
            "displayName": self.title,
            "description": f"{self.title} (stand-in)",
            "inputTokenLimit": self.input_limit,
            "outputTokenLimit": self.output_limit,
            "supportedGenerationMethods": self.methods,
            "temperature": 1,
            "topP": 0.95,
            "topK": 64,
            "maxTemperature": 2,
            "thinking": bool(self.levels or self.budget),
        }


MODELS = {
    model.name: model
    for model in (
        Model("gemini-3.8-flash", "Gemini 3.8 Flash"),
        Model("gemini-3.7-flash", "Gemini 3.7 Flash"),
        Model("gemini-3.6-flash", "Gemini 3.6 Flash", levels=LEVELS_AND_MINIMAL),
        Model("gemini-3.5-flash", "Gemini 3.5 Flash", levels=LEVELS_AND_MINIMAL),
        Model("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", levels=LEVELS_AND_MINIMAL, level="MINIMAL", budget=None),
        Model("gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", level="HIGH", budget=(128, 65_535)),
        Model("gemini-2.5-pro", "Gemini 2.5 Pro", levels=frozenset(), level="HIGH", budget=(128, 32_768), modern=False),
        Model("gemini-2.5-flash", "Gemini 2.5 Flash", levels=frozenset(), budget=(0, 24_576), modern=False),
        Model("gemini-3.8-live", "Gemini 3.8 Live", live=True, input_limit=131_072, levels=frozenset(), budget=None),
        Model(
            "gemini-3.8-live-extended-thinking", "Gemini 3.8 Live with extended thinking", live=True, input_limit=131_072,
            budget=None, needs_level=True, blocking_tools=False,
        ),
        Model("gemini-3.1-flash-live-preview", "Gemini 3.1 Flash Live Preview", live=True, input_limit=131_072,
              levels=LEVELS_AND_MINIMAL),
        Model("gemini-2.5-flash-native-audio-preview-12-2025", "Gemini 2.5 Flash Native Audio", live=True, input_limit=131_072,
              output_limit=8_192, levels=frozenset(), budget=(0, 24_576), modern=False),
    )
}  # fmt: skip
