"""What Vapi takes in `POST /call`: unknown names, wrong types and values out of range are refused in its own words.

Sources are the typed SDK and the field table of Vapi's API. `check_create` is the whole judgement, `complaints` turns pydantic's findings into Vapi's `message`
list. Read next: `vapi_parts`, `vapi_frames` (the same for frames of a live call).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from . import vapi_names as names
from .vapi_parts import (
    Anthropic,
    CustomLlm,
    Deepgram,
    ElevenLabs,
    Google,
    Loose,
    OpenAi,
    OtherModel,
    OtherTranscriber,
    OtherVoice,
    Server,
    ShortName,
    Strict,
)


class SmartEndpointingPlan(Strict):
    """Who decides that the candidate has finished."""

    provider: Literal["vapi", "livekit", "custom-endpointing-model"]
    wait_function: str | None = None
    server: Server | None = None


class RegexOption(Strict):
    """How a rule's pattern is read."""

    type: Literal["ignore-case", "whole-word", "multi-line"]
    enabled: bool


class CustomerRule(Strict):
    """How long to wait after the customer's words of a pattern (SDK 3.0: `CustomerCustomEndpointingRule`; the other two kinds are not known here)."""

    type: Literal["customer"]
    regex: str
    regex_options: list[RegexOption] | None = None
    timeout_seconds: Annotated[float, Field(ge=0, le=15)]


class TranscriptionEndpointingPlan(Strict):
    """Seconds to wait after the transcriber's words."""

    on_punctuation_seconds: Annotated[float, Field(ge=0, le=3)] | None = None
    on_no_punctuation_seconds: Annotated[float, Field(ge=0, le=3)] | None = None
    on_number_seconds: Annotated[float, Field(ge=0, le=3)] | None = None


class StartSpeakingPlan(Strict):
    """When the assistant begins to speak."""

    wait_seconds: Annotated[float, Field(ge=0, le=5)] = 0.4
    smart_endpointing_enabled: bool | str | None = None
    smart_endpointing_plan: SmartEndpointingPlan | None = None
    custom_endpointing_rules: list[CustomerRule] | None = None
    transcription_endpointing_plan: TranscriptionEndpointingPlan | None = None


class StopSpeakingPlan(Strict):
    """When the assistant lets itself be interrupted."""

    num_words: Annotated[float, Field(ge=0, le=10)] = 0
    voice_seconds: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    backoff_seconds: Annotated[float, Field(ge=0, le=10)] = 1
    acknowledgement_phrases: list[str] | None = None
    interruption_phrases: list[str] | None = None


class TranscriptPlan(Strict):
    """The names in the transcript."""

    enabled: bool = True
    assistant_name: str = "AI"
    user_name: str = "User"


class ArtifactPlan(Strict):
    """What is kept of a call."""

    recording_enabled: bool = True
    recording_format: names.RecordingFormat = "wav;l16"
    transcript_plan: TranscriptPlan = TranscriptPlan()
    recording_use_custom_storage_enabled: bool | None = None
    video_recording_enabled: bool | None = None
    full_message_history_enabled: bool | None = None
    pcap_enabled: bool | None = None
    pcap_s3_path_prefix: Annotated[str | None, Field(alias="pcapS3PathPrefix")] = None
    pcap_use_custom_storage_enabled: bool | None = None
    logging_enabled: bool | None = None
    logging_use_custom_storage_enabled: bool | None = None
    recording_path: str | None = None
    logging_path: str | None = None
    structured_output_ids: list[str] | None = None
    structured_outputs: list[dict[str, Any]] | None = None
    scorecard_ids: list[str] | None = None
    scorecards: list[dict[str, Any]] | None = None


class MonitorPlan(Strict):
    """Live listening and control."""

    listen_enabled: bool = True
    listen_authentication_enabled: bool = False
    control_enabled: bool = True
    control_authentication_enabled: bool = False
    monitor_ids: list[str] | None = None


class SayAction(Strict):
    """A line a hook says."""

    type: Literal["say"]
    exact: str | list[str] | None = None
    prompt: str | list[dict[str, Any]] | None = None


class OtherAction(Loose):
    """Anything else a hook does."""

    type: Literal["tool", "message.add", "function", "transfer"]


class HookOptions(Strict):
    """When a hook of time acts: a silent candidate left alone for so long, or so far into the call."""

    timeout_seconds: Annotated[float | None, Field(ge=2, le=1_000)] = None
    trigger_max_count: Annotated[float, Field(ge=1, le=10)] = 3
    trigger_reset_mode: Literal["never", "onUserSpeech"] | None = None
    seconds: Annotated[float | None, Field(ge=1, le=3_600)] = None


class Hook(Strict):
    """Something done when something happens."""

    on: Annotated[
        str,
        Field(
            pattern=r"^(call\.ending|assistant\.speech\.interrupted|customer\.speech\.interrupted|session\.created|"
            r"customer\.speech\.timeout(\[.+\])?|call\.timeElapsed)$"
        ),
    ]
    do: list[Annotated[SayAction | OtherAction, Field(discriminator="type")]]
    options: HookOptions | None = None
    filters: list[dict[str, Any]] | None = None
    name: str | None = None


class Assistant(Strict):
    """A transient assistant."""

    name: ShortName | None = None
    first_message: str | None = None
    first_message_mode: names.FirstMessageMode = "assistant-speaks-first"
    first_message_interruptions_enabled: bool = False
    model: Annotated[OpenAi | Google | Anthropic | CustomLlm | OtherModel, Field(discriminator="provider")] | None = None
    voice: Annotated[ElevenLabs | OtherVoice, Field(discriminator="provider")] | None = None
    transcriber: Annotated[Deepgram | OtherTranscriber, Field(discriminator="provider")] | None = None
    server_messages: list[names.ServerMessage] = Field(default_factory=lambda: list(names.DEFAULT_SERVER_MESSAGES))
    client_messages: list[names.ClientMessage] = Field(default_factory=lambda: list(names.DEFAULT_CLIENT_MESSAGES))
    server: Server | None = None
    max_duration_seconds: Annotated[float, Field(ge=10, le=43_200)] = 600
    silence_timeout_seconds: Annotated[float, Field(ge=5, le=3_600)] = 30
    start_speaking_plan: StartSpeakingPlan = StartSpeakingPlan()
    stop_speaking_plan: StopSpeakingPlan = StopSpeakingPlan()
    artifact_plan: ArtifactPlan = ArtifactPlan()
    monitor_plan: MonitorPlan = MonitorPlan()
    analysis_plan: dict[str, Any] | None = None
    compliance_plan: dict[str, Any] | None = None
    background_speech_denoising_plan: dict[str, Any] | None = None
    keypad_input_plan: dict[str, Any] | None = None
    observability_plan: dict[str, Any] | None = None
    voicemail_detection: dict[str, Any] | str | None = None
    voicemail_message: str | None = None
    end_call_message: str | None = None
    end_call_phrases: list[str] = Field(default_factory=list)
    background_sound: str | None = None
    model_output_in_messages_enabled: bool | None = None
    transport_configurations: list[dict[str, Any]] | None = None
    credentials: list[dict[str, Any]] | None = None
    credential_ids: list[str] | None = None
    hooks: list[Hook] = Field(default_factory=list)
    metadata: dict[str, Any] | None = None


class AssistantOverrides(Assistant):
    """What a call changes on its assistant, and the values of its templates."""

    variable_values: dict[str, Any] = Field(default_factory=dict)
    tools_append: Annotated[list[dict[str, Any]] | None, Field(alias="tools:append")] = None


DEFAULT_FORMAT = {"format": "pcm_s16le", "sampleRate": 16_000}


class AudioFormat(Strict):
    """What the socket carries. Both `format` and `sampleRate` are required when it is there."""

    format: Literal["pcm_s16le", "mulaw"]
    container: Literal["raw"] = "raw"
    sample_rate: Annotated[int, Field(ge=0, le=192_000)]


class Transport(Strict):
    """The websocket transport; other providers are refused on `POST /call`."""

    provider: Literal["vapi.websocket"]
    conversation_type: Literal["voice"] = "voice"
    audio_format: AudioFormat = Field(default_factory=lambda: AudioFormat.model_validate(DEFAULT_FORMAT))


class CreateCall(Strict):
    """The body of `POST /call`: no metadata, messages, tools or webhook URL at the top."""

    name: ShortName | None = None
    transport: Transport
    assistant: Assistant
    assistant_overrides: AssistantOverrides | None = None
    schedule_plan: dict[str, Any] | None = None
    customer: dict[str, Any] | None = None
    customer_id: str | None = None


REFUSED = {
    "phoneNumber": "phoneNumber is not allowed with the vapi.websocket transport",
    "phoneNumberId": "phoneNumberId is not allowed with the vapi.websocket transport",
    "assistantId": "Couldn't Find Assistant. This stand-in keeps none, send `assistant`",
}
"""Fields Vapi knows, but not on a call like ours."""


class Refused(Exception):
    """A body Vapi answers with 400; `messages` is its `message`."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def check_create(body: Any) -> CreateCall:
    """The call a body asks for. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(["body must be an object"])
    refused = [sentence for name, sentence in REFUSED.items() if name in body]
    try:
        call = CreateCall.model_validate({name: value for name, value in body.items() if name not in REFUSED})
    except ValidationError as error:
        raise Refused(refused + list(complaints(body, error))) from None
    if refused:
        raise Refused(refused)
    if call.transport.audio_format.format == "mulaw":
        raise Refused(["transport.audioFormat.format: this stand-in does not play mulaw"])
    return call


def complaints(body: Any, error: ValidationError) -> Iterator[str]:
    """One sentence for each finding, the field's path in front as Vapi puts it: `assistant.property foo should not exist`."""
    for finding in error.errors(include_url=False):
        ctx = finding.get("ctx", {})
        named = _path(body, finding["loc"], whole=finding["type"] == "missing")
        named += [ctx[key].strip("'") for key in ("discriminator", "field") if key in ctx]
        *parents, last = named or ["body"]
        where = "".join(f"{part}." for part in parents)
        if finding["type"] == "extra_forbidden":
            yield f"{where}property {last} should not exist"
        else:
            words = WORDS.get(finding["type"], finding["msg"]).format(**ctx)
            yield f"{where}{last} {words}".replace("'", "").replace(" or ", ", ")


WORDS = {
    "missing": "should not be empty",
    "union_tag_not_found": "should not be empty",
    "greater_than_equal": "must not be less than {ge:g}",
    "less_than_equal": "must not be greater than {le:g}",
    "string_too_long": "must be shorter than or equal to {max_length} characters",
    "string_pattern_mismatch": "must match {pattern} regular expression",
    "literal_error": "must be one of the following values: {expected}",
    "enum": "must be one of the following values: {expected}",
    "union_tag_invalid": "must be one of the following values: {expected_tags}",
    "unique": "must not contain duplicate function names: {names}",
    "string_type": "must be a string",
    "float_type": "must be a number conforming to the specified constraints",
    "int_type": "must be a number conforming to the specified constraints",
    "bool_type": "must be a boolean value",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
"""Pydantic's kinds of finding in Vapi's words."""


def _path(here: Any, loc: tuple[int | str, ...], *, whole: bool) -> list[str]:
    """Where in the body: `loc` without the names of union variants, which may be spelled like a field. `whole`: the last part is not there, but counts."""
    if not loc:
        return []
    part, rest = loc[0], loc[1:]
    if whole and not rest:
        return [str(part)]
    skipped = _path(here, rest, whole=whole)
    there = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int) and part < len(here)
    if not there:
        return skipped
    taken = [str(part), *_path(here[part], rest, whole=whole)]
    return max(skipped, taken, key=len)
