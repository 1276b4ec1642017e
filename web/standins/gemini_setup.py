"""The first message of a Live session: what Gemini refuses, and what the session is to be.

Rules of ai.google.dev's Live reference and model pages: AUDIO only, no answer schemas, no thinking level on gemini-3.8-live and a required one on its
extended-thinking sister, proactive audio that cannot be turned off, no explicit activity with automatic detection. Read next: `gemini_live`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .gemini_checks import check_limits, check_live_tools, check_thinking, check_tool_schemas, declared, parts_of
from .gemini_errors import BARE, GoogleError, LiveClose, Violation, bad_request, no_model
from .gemini_fields import read
from .gemini_models import Model

SILENCE_MS = 800
SILENCE_BY_SENSITIVITY = {"END_SENSITIVITY_HIGH": 500, "END_SENSITIVITY_LOW": 1_000}
NOT_LIVE = ("responseMimeType", "responseSchema", "responseJsonSchema", "stopSequences", "responseLogprobs", "logprobs")
INVALID, POLICY = 1007, 1008


@dataclass(frozen=True)
class Setup:
    """What was agreed."""

    model: Model
    body: dict[str, Any]
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Function → parameters in the common shape."""
    handle: str | None = None

    @property
    def system(self) -> str:
        """The system instruction's text."""
        return text_of(self.body.get("systemInstruction", {}))

    @property
    def resumable(self) -> bool:
        """Whether handles are wanted."""
        return "sessionResumption" in self.body

    @property
    def waits_for_history(self) -> bool:
        """Whether the first client content is history and calls no model."""
        return bool(self.body.get("historyConfig", {}).get("initialHistoryInClientContent"))

    @property
    def _detection(self) -> dict[str, Any]:
        detection: dict[str, Any] = self.body.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
        return detection

    @property
    def listens(self) -> bool:
        """Whether the server finds the speech itself."""
        return not self._detection.get("disabled")

    @property
    def silence_ms(self) -> int:
        """Silence that ends an utterance."""
        sensitivity = SILENCE_BY_SENSITIVITY.get(self._detection.get("endOfSpeechSensitivity", ""), SILENCE_MS)
        return int(self._detection.get("silenceDurationMs", sensitivity))

    @property
    def interruptible(self) -> bool:
        """Whether speech cuts the model off."""
        return str(self.body.get("realtimeInputConfig", {}).get("activityHandling")) != "NO_INTERRUPTION"

    def updated(self, update: dict[str, Any]) -> Setup:
        """With another instruction or other tools (contextUpdate). Raises LiveClose."""
        tools = {"tools": update["tools"].get("tools", [])} if "tools" in update else {}
        system = {"systemInstruction": update["systemInstruction"]} if "systemInstruction" in update else {}
        return check_setup(self.body | system | tools, {self.model.name: self.model}, "v1beta")


def text_of(content: Mapping[str, Any]) -> str:
    """The text of a content."""
    return "\n".join(part["text"] for part in content.get("parts", []) if "text" in part)


def read_message(value: Any) -> tuple[str, dict[str, Any]]:
    """(which, what) of a client message. Raises LiveClose for anything but exactly one known message."""
    try:
        message = read("BidiGenerateContentClientMessage", value)
    except GoogleError as error:
        raise LiveClose(INVALID, error.message) from error
    if len(message) != 1:
        raise LiveClose(INVALID, "oneof field 'message' must have exactly one initialized field")
    return next(iter(message.items()))


def check_setup(body: dict[str, Any], models: Mapping[str, Model], version: str) -> Setup:
    """Raises LiveClose for what Gemini refuses."""
    name = body.get("model", "")
    model = models.get(name.removeprefix("models/")) if name.startswith("models/") else None
    if model is None or not model.live:
        raise LiveClose(POLICY, no_model(name.removeprefix("models/"), version, "bidiGenerateContent").message)
    try:
        _check_config(body.get("generationConfig", {}), model)
        violations = check_live_tools(body.get("tools", []))
        if "systemInstruction" in body:
            violations += parts_of(body["systemInstruction"], "system_instruction")
        if violations:
            raise bad_request(violations, "BidiGenerateContentSetup")
        _check_behaviours(body.get("tools", []), model)
        functions = check_tool_schemas(body.get("tools", []), model)
    except GoogleError as error:
        raise LiveClose(INVALID, error.message) from error
    if model.modern and body.get("proactivity", {}).get("proactiveAudio") is False:
        raise LiveClose(INVALID, "Proactive audio cannot be disabled for this model.")
    return Setup(model, body, functions, body.get("sessionResumption", {}).get("handle"))


def _check_config(config: dict[str, Any], model: Model) -> None:
    modalities = config.get("responseModalities", ["AUDIO"])
    if modalities == ["TEXT"]:
        raise GoogleError(400, "Cannot extract voices from a non-audio request.")
    if modalities != ["AUDIO"]:
        raise GoogleError(400, BARE)
    if misplaced := [name for name in NOT_LIVE if name in config]:
        raise bad_request([Violation("", f"{misplaced[0]} is not supported by the Live API.")])
    check_limits(config, model)
    thinking = config.get("thinkingConfig", {})
    check_thinking(thinking, model)
    if model.needs_level and "thinkingLevel" not in thinking:
        raise GoogleError(400, "A thinking level is required for this model.")


def _check_behaviours(tools: list[dict[str, Any]], model: Model) -> None:
    blocking = [name for name, function in declared(tools).items() if function.get("behavior") == "BLOCKING"]
    if blocking and not model.blocking_tools:
        raise GoogleError(400, f"Function '{blocking[0]}': BLOCKING is not supported for this model.")
