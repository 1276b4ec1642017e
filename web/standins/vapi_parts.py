"""The parts of an assistant at Vapi: servers, tools, models, voices, transcribers; every field and every limit.

What our product sends is modelled to the last field; other vendors' voices, models and tools are only known by name. Read next: `vapi_checks`, the whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from . import vapi_names as names


class Strict(BaseModel):
    """An object without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Loose(BaseModel):
    """An object known by name only."""

    model_config = ConfigDict(extra="allow", strict=True, alias_generator=to_camel)


Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
ShortName = Annotated[str, Field(max_length=40)]
Share = Annotated[float, Field(ge=0, le=1)]


def _openai_model(name: str) -> str:
    if name.partition(":")[0] not in names.OPENAI_MODELS:
        raise PydanticCustomError("enum", "one of OpenAI's models", {"expected": ", ".join(sorted(names.OPENAI_MODELS))})
    return name


class BackoffPlan(Strict):
    """Retries of a webhook."""

    type: Literal["fixed", "exponential"] = "fixed"
    max_retries: Annotated[float, Field(ge=0, le=10)] = 0
    base_delay_seconds: Annotated[float, Field(ge=0, le=10)] = 1
    excluded_status_codes: list[int] | None = None


class Server(Strict):
    """Where webhooks go. `secret` is the legacy spelling, still taken and sent as `x-vapi-secret`."""

    url: Url | None = None
    timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 20
    headers: dict[str, str] | None = None
    credential_id: str | None = None
    backoff_plan: BackoffPlan | None = None
    static_ip_addresses_enabled: bool | None = None
    encrypted_paths: list[str] | None = None
    secret: str | None = None


class ToolMessage(Strict):
    """What is said around a tool call."""

    type: Literal["request-start", "request-complete", "request-failed", "request-response-delayed"]
    content: str | None = None
    contents: list[dict[str, Any]] | None = None
    conditions: list[dict[str, Any]] | None = None
    blocking: bool | None = None
    role: Literal["assistant", "system"] | None = None
    end_call_after_spoken_enabled: bool | None = None
    timing_milliseconds: Annotated[float, Field(ge=100, le=120_000)] | None = None


class Schema(Loose):
    """The JSON Schema of a tool's arguments."""

    type: Literal["object"]
    properties: dict[str, dict[str, Any]] | None = None
    required: list[str] | None = None


class Function(Strict):
    """What the model sees of a tool."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class FunctionTool(Strict):
    """A tool of ours."""

    type: Literal["function"]
    function: Function
    async_: Annotated[bool, Field(alias="async")] = False
    server: Server | None = None
    messages: list[ToolMessage] | None = None
    parameters: list[dict[str, Any]] | None = None
    rejection_plan: dict[str, Any] | None = None
    variable_extraction_plan: dict[str, Any] | None = None


class EndCallTool(Strict):
    """The model may hang up."""

    type: Literal["endCall"]
    messages: list[ToolMessage] | None = None
    rejection_plan: dict[str, Any] | None = None


class OtherTool(Loose):
    """A tool of Vapi's own."""

    type: names.OtherTool


class ChatMessage(Strict):
    """One message of the model's history."""

    role: names.Role
    content: str | None = None


class Model(Strict):
    """The fields every model has."""

    messages: list[ChatMessage] | None = None
    tools: list[Annotated[FunctionTool | EndCallTool | OtherTool, Field(discriminator="type")]] | None = None
    tool_ids: list[str] | None = None
    tool_refs: list[dict[str, Any]] | None = None
    knowledge_base: dict[str, Any] | None = None
    model: str
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[float, Field(ge=50, le=10_000)] = 250
    emotion_recognition_enabled: bool | None = None
    num_fast_turns: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _tool_names_are_unique(self) -> Self:
        named = [tool.function.name for tool in self.tools or () if isinstance(tool, FunctionTool)]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise PydanticCustomError("unique", "duplicate names", {"field": "tools", "names": ", ".join(twice)})
        return self


class OpenAi(Model):
    """`provider: openai`."""

    provider: Literal["openai"]
    model: Annotated[str, AfterValidator(_openai_model)]
    fallback_models: list[Annotated[str, AfterValidator(_openai_model)]] | None = None
    tool_strict_compatibility_mode: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    speaker: dict[str, Any] | None = None
    reasoner: dict[str, Any] | None = None


class Google(Model):
    """`provider: google`."""

    provider: Literal["google"]
    model: names.GoogleModel
    realtime_config: dict[str, Any] | None = None


class Anthropic(Model):
    """`provider: anthropic`."""

    provider: Literal["anthropic"]
    thinking: dict[str, Any] | None = None


class CustomLlm(Model):
    """`provider: custom-llm`."""

    provider: Literal["custom-llm"]
    url: Url
    headers: dict[str, str] | None = None
    metadata_send_mode: str | None = None
    word_level_confidence_enabled: bool | None = None
    timeout_seconds: Annotated[float, Field(ge=20, le=600)] | None = None


class OtherModel(Loose):
    """A model we do not use."""

    provider: names.OtherModelProvider


class ElevenLabs(Strict):
    """`provider: 11labs`."""

    provider: Literal["11labs"]
    voice_id: str
    model: names.ElevenLabsModel | None = None
    speed: Annotated[float, Field(ge=0.7, le=1.2)] | None = None
    stability: Share | None = None
    similarity_boost: Share | None = None
    style: Share | None = None
    use_speaker_boost: bool | None = None
    optimize_streaming_latency: Annotated[float, Field(ge=0, le=4)] | None = None
    enable_ssml_parsing: bool | None = None
    auto_mode: bool | None = None
    caching_enabled: bool | None = None
    language: str | None = None
    chunk_plan: dict[str, Any] | None = None
    pronunciation_dictionary_locators: list[dict[str, Any]] | None = None
    fallback_plan: dict[str, Any] | None = None


class OtherVoice(Loose):
    """A voice we do not use."""

    provider: names.OtherVoiceProvider


class Deepgram(Strict):
    """`provider: deepgram`."""

    provider: Literal["deepgram"]
    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    smart_format: bool | None = None
    mip_opt_out: bool | None = None
    numerals: bool | None = None
    profanity_filter: bool | None = None
    redaction: list[str] | None = None
    confidence_threshold: Share | None = None
    eot_threshold: Annotated[float, Field(ge=0.5, le=0.9)] | None = None
    eot_timeout_ms: Annotated[float, Field(ge=500, le=10_000)] | None = None
    keywords: list[str] | None = None
    keyterm: list[str] | None = None
    endpointing: Annotated[float, Field(ge=10, le=500)] | None = None
    fallback_plan: dict[str, Any] | None = None


class OtherTranscriber(Loose):
    """A transcriber we do not use."""

    provider: names.OtherTranscriberProvider
