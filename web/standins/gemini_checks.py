"""What a well-formed request may still not say: ranges, roles, parts, tools, schemas, thinking.

Takes what `gemini_fields.read` gives. Where Google's rule is not published the stricter reading is taken, so that what passes here passes there.
Read next: `gemini_schemas`, `gemini_models`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .gemini_errors import BARE, GoogleError, Violation, bad_request
from .gemini_messages import VOICES
from .gemini_models import Model
from .gemini_schemas import check_schema, check_size, from_json_schema

CONTENT_DATA = (
    "text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode", "codeExecutionResult",
)  # fmt: skip
MIME_TYPES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
JSON_MIME_TYPES = ("application/json", "text/x.enum")
INLINE_TYPES = re.compile(r"image/(png|jpe?g|webp|heic|heif)|audio/.+|video/.+|application/pdf|text/.+")
MAX_STOP_SEQUENCES = 5
MAX_SEED = 2**31 - 1
_RANGES = {"temperature": (0.0, 2.0), "topP": (0.0, 1.0), "presencePenalty": (-2.0, 2.0), "frequencyPenalty": (-2.0, 2.0)}
_SPELT = {
    "topP": "top_p", "topK": "top_k", "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty",
    "candidateCount": "candidate_count", "maxOutputTokens": "max_output_tokens", "stopSequences": "stop_sequences",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
BAD_NAME = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), "
    "colons (:) or dashes (-), with a maximum length of 64."
)


def check_request(body: dict[str, Any], model: Model) -> dict[str, Any] | None:
    """Raises GoogleError for what Gemini refuses. Returns the answer's schema in the common shape, None for free text."""
    violations = [*_contents(body.get("contents", [])), *_system(body.get("systemInstruction"))]
    violations += [*_tools(body.get("tools", []), live=False), *_safety(body.get("safetySettings", []))]
    config = body.get("generationConfig", {})
    violations += _config(config)
    if violations:
        raise bad_request(violations)
    check_turns(body["contents"], model)
    check_thinking(config.get("thinkingConfig", {}), model)
    check_limits(config, model)
    check_tool_schemas(body.get("tools", []), model)
    _check_calling(body.get("toolConfig", {}), declared(body.get("tools", [])))
    if body.get("cachedContent"):
        raise GoogleError(403, "CachedContent not found (or permission denied)")
    return _answer_schema(config, body.get("tools", []), model)


# Contents ----------------------------------------------------------------------------------------------------------------
def _contents(contents: Sequence[dict[str, Any]]) -> Iterator[Violation]:
    if not contents:
        yield Violation("contents", "contents is not specified")
    for i, content in enumerate(contents):
        yield from parts_of(content, f"contents[{i}]")


def parts_of(content: dict[str, Any], path: str) -> Iterator[Violation]:
    """What is wrong with a content's parts."""
    if not content.get("parts"):
        yield Violation(f"{path}.parts", f"{path.partition('[')[0]}.parts must not be empty.")
    for j, part in enumerate(content.get("parts", [])):
        here = f"{path}.parts[{j}]"
        data = [name for name in CONTENT_DATA if name in part]
        if not data:
            yield Violation(f"{here}.data", "required oneof field 'data' must have one initialized field")
        if len(data) > 1:
            yield Violation(f"{here}.data", f"oneof field 'data' is already set. Cannot set '{data[1]}'")
        blob = part.get("inlineData")
        if blob is not None and not INLINE_TYPES.fullmatch(blob.get("mimeType", "")):
            yield Violation("", f"Unsupported MIME type: {blob.get('mimeType', '')}")
        if blob is not None and not blob.get("data"):
            yield Violation(f"{here}.inline_data.data", "must not be empty")
        for name in ("functionCall", "functionResponse"):
            if name in part and not part[name].get("name"):
                snake = "function_call" if name == "functionCall" else "function_response"
                yield Violation(f"{here}.{snake}.name", "Name cannot be empty.")


def _system(content: dict[str, Any] | None) -> Iterator[Violation]:
    if content is None:
        return
    yield from parts_of(content, "system_instruction")
    if any("text" not in part for part in content.get("parts", [])):
        yield Violation("", "system_instruction only supports text parts.")


def check_turns(contents: Sequence[dict[str, Any]], model: Model) -> None:
    """Roles and their order. Raises GoogleError."""
    roles = [content.get("role") or "user" for content in contents]
    if any(role not in ("user", "model") for role in roles):
        raise GoogleError(400, "Please use a valid role: user, model.")
    if roles[-1] == "model":
        raise GoogleError(400, "Please ensure that multiturn requests ends with a user role or a function response.")
    if any(now == before for before, now in itertools.pairwise(roles)):
        raise GoogleError(400, "Please ensure that multiturn requests alternate between user and model.")
    calls: list[dict[str, Any]] = []
    for i, content in enumerate(contents):
        responses = [part for part in content["parts"] if "functionResponse" in part]
        if len(responses) != len(calls):
            raise GoogleError(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call parts "
                "of the function call turn.",
            )
        calls = [part for part in content["parts"] if "functionCall" in part]
        if calls and (i == 0 or roles[i] != "model"):
            raise GoogleError(
                400,
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
            )
        if calls and model.modern and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"].get("name")
            raise GoogleError(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and "
                f"missing thought_signature may lead to degraded model performance. Additional data, function call `{name}` , "
                f"position {i + 1}.",
            )


# Configuration -----------------------------------------------------------------------------------------------------------
def _config(config: dict[str, Any]) -> Iterator[Violation]:
    for name, (low, high) in _RANGES.items():
        if name in config and not low <= config[name] <= high:
            spelt = _SPELT.get(name, name)
            yield Violation(f"generation_config.{spelt}", f"{spelt} must be in the range [{low}, {high}].")
    for name in ("topK", "maxOutputTokens", "candidateCount"):
        if config.get(name, 1) < 1:
            yield Violation(f"generation_config.{_SPELT[name]}", f"{_SPELT[name]} must be positive.")
    if config.get("candidateCount", 1) > 8:
        yield Violation("generation_config.candidate_count", "candidate_count must be in the range [1, 8].")
    stops = config.get("stopSequences", [])
    if len(stops) > MAX_STOP_SEQUENCES:
        message = f"The number of stop sequences must be at most {MAX_STOP_SEQUENCES}."
        yield Violation("generation_config.stop_sequences", message)
    mime = config.get("responseMimeType", MIME_TYPES[0])
    if mime not in MIME_TYPES:
        names = ", ".join(f"`{name}`" for name in MIME_TYPES[:-1])
        message = f"allowed mimetypes are {names} and `{MIME_TYPES[-1]}`."
        yield Violation("generation_config.response_mime_type", message)
    if schema := config.get("responseSchema"):
        yield from check_schema(schema, "generation_config.response_schema")


def check_limits(config: dict[str, Any], model: Model) -> None:
    """What depends on the model. Raises GoogleError."""
    asked = config.get("maxOutputTokens", 1)
    if asked > model.output_limit:
        raise GoogleError(
            400,
            f"Unable to submit request because it has a maxOutputTokens value of {asked} but the supported range is from 1 (inclusive) to "
            f"{model.output_limit + 1} (exclusive). Update the value and try again.",
        )
    if config.get("candidateCount", 1) > 1:
        raise GoogleError(400, "Multiple candidates is not enabled for this model")
    if not model.live and set(config.get("responseModalities", ["TEXT"])) - {"TEXT"}:
        raise GoogleError(400, "The requested combination of response modalities is not supported by the model.")
    check_voice(config.get("speechConfig", {}))


def check_voice(speech: dict[str, Any]) -> None:
    """Raises GoogleError for a voice that does not exist."""
    voice = speech.get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName")
    if voice is not None and voice not in VOICES:
        raise GoogleError(400, f"Requested voice api_name '{voice}' is not available for model.")


def check_thinking(thinking: dict[str, Any], model: Model) -> None:
    """Raises GoogleError for a level or budget the model does not take."""
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if level is not None and budget is not None:
        raise GoogleError(400, "You can only set only one of thinking budget and thinking level.")
    if level is not None and not model.levels:
        raise GoogleError(400, "Thinking level is not supported for this model.")
    if level is not None and level not in model.levels:
        allowed = ", ".join(sorted(name.lower() for name in model.levels))
        raise GoogleError(
            400, f"'{level.lower()}' is not a supported thinking level for this model. Allowed values are: {allowed}."
        )
    if budget is None or budget == -1:
        return
    if model.budget is None:
        raise GoogleError(400, BARE)
    low, high = model.budget
    if budget == 0 and low > 0:
        raise GoogleError(400, "Budget 0 is invalid. This model only works in thinking mode.")
    if not low <= budget <= high:
        raise GoogleError(400, f"The thinking budget ({budget}) is invalid. Please choose a value between {low} and {high}.")


def _answer_schema(config: dict[str, Any], tools: Sequence[dict[str, Any]], model: Model) -> dict[str, Any] | None:
    mime = config.get("responseMimeType", MIME_TYPES[0])
    given = [name for name in ("responseSchema", "responseJsonSchema", "_responseJsonSchema") if name in config]
    if len(given) > 1:
        raise GoogleError(400, "Only one of response_schema and response_json_schema may be set.")
    if given and mime not in JSON_MIME_TYPES:
        raise GoogleError(400, "response_mime_type must be application/json or text/x.enum when a response schema is set.")
    if mime in JSON_MIME_TYPES and tools and not model.modern:
        raise GoogleError(400, f"Function calling with a response mime type: '{mime}' is unsupported")
    if not given:
        return {} if mime == "application/json" else None
    schema: Any = config[given[0]]
    if given[0] != "responseSchema":
        schema = from_json_schema(schema, "generation_config.response_json_schema")
    if mime == "text/x.enum" and "enum" not in schema:
        raise GoogleError(400, "response_schema must be an enum for response_mime_type text/x.enum.")
    check_size(schema, model)
    return dict(schema)


def _safety(settings: Sequence[dict[str, Any]]) -> Iterator[Violation]:
    seen = set()
    for i, setting in enumerate(settings):
        if "category" not in setting:
            yield Violation(f"safety_settings[{i}]", "element predicate failed: $.category in (HarmCategory)")
        if setting.get("category") in seen:
            yield Violation("safety_settings", "There should not be more than one setting for each SafetyCategory type.")
        seen.add(setting.get("category"))


# Tools -------------------------------------------------------------------------------------------------------------------
def declared(tools: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The functions declared, by name."""
    return {f.get("name", ""): f for tool in tools for f in tool.get("functionDeclarations", [])}


def _tools(tools: Sequence[dict[str, Any]], *, live: bool) -> Iterator[Violation]:
    names: set[str] = set()
    for i, tool in enumerate(tools):
        if not tool:
            yield Violation(f"tools[{i}].tool_type", "required one_of 'tool_type' must have one initialized field")
        for j, function in enumerate(tool.get("functionDeclarations", [])):
            path = f"tools[{i}].function_declarations[{j}]"
            name = function.get("name", "")
            if not _NAME.fullmatch(name):
                yield Violation(f"{path}.name", BAD_NAME)
            elif name in names:
                yield Violation("", f"Duplicate function declaration found: {name}")
            names.add(name)
            if "behavior" in function and not live:
                yield Violation(f"{path}.behavior", "only supported by the BidiGenerateContent method")
            yield from _parameters(function, path)


def _parameters(function: dict[str, Any], path: str) -> Iterator[Violation]:
    for plain, json_schema in (("parameters", "parametersJsonSchema"), ("response", "responseJsonSchema")):
        if plain in function and json_schema in function:
            yield Violation(f"{path}.{plain}", "only one of the two kinds of schema may be set")
        if plain in function:
            yield from check_schema(function[plain], f"{path}.{plain}")
    if function.get("parameters", {}).get("type", "OBJECT") != "OBJECT":
        yield Violation(f"{path}.parameters", "functionDeclaration parameters schema should be of type OBJECT.")


def check_tool_schemas(tools: Sequence[dict[str, Any]], model: Model) -> dict[str, dict[str, Any]]:
    """Function → parameters in the common shape. Raises GoogleError."""
    found = {}
    for name, function in declared(tools).items():
        schema = function.get("parameters", {})
        if "parametersJsonSchema" in function:
            schema = from_json_schema(function["parametersJsonSchema"], f"tools.{name}.parameters_json_schema")
        check_size(schema, model, f"FunctionDeclaration '{name}'")
        found[name] = schema
    return found


def check_live_tools(tools: Sequence[dict[str, Any]]) -> list[Violation]:
    """The same for a Live session, where a function may say how it behaves."""
    return list(_tools(tools, live=True))


def _check_calling(config: dict[str, Any], functions: dict[str, Any]) -> None:
    calling = config.get("functionCallingConfig", {})
    names = calling.get("allowedFunctionNames", [])
    if names and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise GoogleError(400, "allowed_function_names should only be set when function calling mode is ANY or VALIDATED.")
    if unknown := [name for name in names if name not in functions]:
        raise GoogleError(400, f"allowed_function_names contains an undeclared function: {unknown[0]}")
    if calling.get("mode") == "ANY" and not functions:
        raise GoogleError(400, "Function calling config is set without function_declarations.")
