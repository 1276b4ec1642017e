"""Pipecat's Gemini Live service with what it swallows told to us, and its audio beside the pipeline (pipecat.md §3, gotchas 2 and 3).

The stock service logs a first connection that fails and goes on as if nothing were, dials again without a pause, and then sends one error for each
microphone packet. Here every end of a connection is one `Dropped`, and whoever listens decides (`gemini`). Everything is told in order and at once by
`listener`, which must not wait; audio leaves by `on_audio`. Read next: `gemini`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    LLMServiceMetadataFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.processors.frameworks.rtvi import RTVIObserverParams, RTVIProcessor
from pipecat.services.google.gemini_live.llm import (
    ContextWindowCompressionParams,
    GeminiLiveLLMService,
    GeminiVADParams,
    language_to_gemini_language,
)
from pipecat.services.llm_service import FunctionCallParams
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

from bridge.domain import persona
from bridge.domain.events import Speaker
from bridge.domain.upstream import Interrupted, Said
from bridge.usecases.conducting import FOLLOW_UP, MOVE_ON
from bridge.wire.candidate import BYTES_PER_MS, SAMPLE_RATE

from .gemini_lives import Person, Tokens

CONNECT_SECONDS = 4.0
"""Dialling and the answer to the set-up together."""
PACKET_BYTES = 40 * BYTES_PER_MS
KEPT_PACKETS = 150
"""Six seconds of microphone wait while the line is dialled again; older audio goes first."""


@dataclass(frozen=True)
class Ready:
    """A connection is set up. `resumed`: the session before it goes on."""

    resumed: bool


@dataclass(frozen=True)
class Dropped:
    """The connection is gone, or there never was one."""

    error: BaseException
    was_ready: bool


@dataclass(frozen=True)
class GoingAway:
    """Gemini will end the connection soon; the session can be resumed on another."""

    seconds: float


@dataclass(frozen=True)
class TurnOver:
    """The interviewer has said all of a turn."""


LiveNews = Ready | Dropped | GoingAway | TurnOver | Tokens | Said | Interrupted


Answer = Callable[[str, dict[str, Any], str], Awaitable[dict[str, Any]]]
"""Name, arguments and id of a tool call → its result."""


class GeminiLive(GeminiLiveLLMService):
    """One session's line to Gemini. Call `begin` once; a line that dropped is dialled again by `dial`."""

    def __init__(
        self,
        client: Any,
        person: Person,
        *,
        listener: Callable[[LiveNews], None],
        on_audio: Callable[[bytes], None],
        answer: Answer,
        handle: str | None,
    ) -> None:
        self._prepkit_client = client
        self._prepkit_listener = listener
        self._prepkit_on_audio = on_audio
        self._prepkit_answer = answer
        self._prepkit_model = f"models/{person.model.removeprefix('models/')}"
        self._prepkit_said = ""
        self._prepkit_open = asyncio.Event()
        self._prepkit_packet = bytearray()
        self._prepkit_packets: asyncio.Queue[bytes] = asyncio.Queue(KEPT_PACKETS)
        self.message_at = 0.0
        """Monotonic time of Gemini's last message."""
        super().__init__(
            api_key="",
            system_instruction=person.instruction,
            tools=ToolsSchema(standard_tools=[_schema(FOLLOW_UP), _schema(MOVE_ON)]),
            settings=GeminiLiveLLMService.Settings(
                model=self._prepkit_model,
                voice=person.voice,
                language=language_to_gemini_language(Language(person.language)),
                vad=GeminiVADParams(silence_duration_ms=person.silence_ms),
                # Without it a session of sound alone ends after a quarter of an hour.
                context_window_compression=ContextWindowCompressionParams(enabled=True),
            ),
        )
        self._session_resumption_handle = handle
        for name in (FOLLOW_UP, MOVE_ON):
            self.register_function(name, self._prepkit_tool)

    def create_client(self) -> None:
        """The process's own client; the base class would read certificates on the event loop, once a call."""
        self._client = self._prepkit_client

    def service_metadata_frame(self) -> LLMServiceMetadataFrame:
        """Turn frames come from our own detection (`speaking`), so the base class has nothing to warn of."""
        return LLMServiceMetadataFrame(service_name=self.name, is_realtime_service=True)

    # The line -------------------------------------------------------------------------------------------------------
    @property
    def handle(self) -> str | None:
        """What the session can be resumed by."""
        return self._session_resumption_handle

    def forget_handle(self) -> None:
        """It does not work: the next line is a new session."""
        self._session_resumption_handle = None

    async def _connect(self, session_resumption_handle: str | None = None) -> None:
        await super()._connect(session_resumption_handle or self._session_resumption_handle)

    async def _connection_task_handler(self, config: Any) -> None:
        ready = False
        config = flattened(config)
        resumed = config.session_resumption.handle is not None
        try:
            async with AsyncExitStack() as line:
                async with asyncio.timeout(CONNECT_SECONDS):
                    dialled = self._client.aio.live.connect(model=self._prepkit_model, config=config)
                    session = await line.enter_async_context(dialled)
                self.message_at = time.monotonic()
                await self._handle_session_ready(session)
                ready = True
                self._prepkit_open.set()
                self._prepkit_listener(Ready(resumed))
                while True:
                    async for message in session.receive():
                        await self._handle_server_message(message)
        except Exception as error:  # noqa: BLE001 - whatever SDK, socket and JSON raise: this line is over
            self._session = None
            self._ready_for_realtime_input = False
            self._prepkit_open.clear()
            if not self._disconnecting:
                logger.info("A line to Gemini ended: {}", type(error).__name__)
                if ready:
                    # What is still to be played would run into the next line's voice, and that would pass for unheard.
                    self._prepkit_listener(Interrupted())
                    self._prepkit_tell_said()
                self._prepkit_listener(Dropped(error, ready))

    async def begin(self, text: str) -> None:
        """Let the interviewer speak first, as `text` orders; once the line is there."""
        self._context = None
        await self._handle_context(LLMContext(messages=[{"role": "user", "content": text}]))

    async def dial(self, text: str | None = None) -> None:
        """Connect again: the same session, or a new one that begins as `text` orders."""
        if text is not None:
            self._session_resumption_handle = None
            self._context = LLMContext(messages=[{"role": "user", "content": text}])
            while not self._prepkit_packets.empty():
                self._prepkit_packets.get_nowait()
        self._prepkit_open.clear()
        self._prepkit_said = ""
        await self._disconnect()
        self._run_llm_when_session_ready = text is not None
        await self._connect()

    async def instruct(self, text: str) -> None:
        """Tell the interviewer something in writing; lost while there is no line."""
        await self._send_user_text(text)

    async def _handle_send_error(self, error: Exception) -> None:
        # The receiving side learns of the same end and tells it once.
        logger.debug("Nothing could be sent to Gemini: {}", type(error).__name__)

    # Microphone -----------------------------------------------------------------------------------------------------
    def take_microphone(self, pcm: bytes) -> bool:
        """20 ms of PCM16 16 kHz mono; never waits."""
        self._prepkit_packet += pcm
        if len(self._prepkit_packet) >= PACKET_BYTES:
            if self._prepkit_packets.full():
                self._prepkit_packets.get_nowait()
            self._prepkit_packets.put_nowait(bytes(self._prepkit_packet))
            self._prepkit_packet.clear()
        return True

    async def send_microphone(self) -> None:
        """For as long as the call: send what was taken, once there is a line."""
        while True:
            await self._prepkit_open.wait()
            pcm = await self._prepkit_packets.get()
            await self._send_user_audio(InputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE, num_channels=1))

    # What Gemini sends ----------------------------------------------------------------------------------------------
    async def _handle_server_message(self, message: Any) -> None:
        self.message_at = time.monotonic()
        content = message.server_content
        if content and content.interrupted:
            self._prepkit_listener(Interrupted())
            self._prepkit_tell_said()
        if message.go_away is not None:
            self._prepkit_listener(GoingAway(_seconds(message.go_away.time_left)))
        await super()._handle_server_message(message)

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        """Audio goes beside the pipeline (ADR 7); everything else as it came."""
        if isinstance(frame, TTSAudioRawFrame):
            self._prepkit_on_audio(frame.audio)
            return
        await super().push_frame(frame, direction)

    async def _push_output_transcription_text_frames(self, text: str) -> None:
        self._prepkit_said += text
        self._prepkit_listener(Said(Speaker.INTERVIEWER, " ".join(self._prepkit_said.split()), final=False))
        await super()._push_output_transcription_text_frames(text)

    async def _handle_msg_turn_complete(self, message: Any) -> None:
        await super()._handle_msg_turn_complete(message)
        self._prepkit_tell_said()
        self._prepkit_listener(TurnOver())

    def _prepkit_tell_said(self) -> None:
        text, self._prepkit_said = " ".join(self._prepkit_said.split()), ""
        if text:
            self._prepkit_listener(Said(Speaker.INTERVIEWER, text, final=True))

    async def _handle_msg_input_transcription(self, message: Any) -> None:
        await super()._handle_msg_input_transcription(message)
        if self._user_transcription_buffer:
            self._prepkit_listener(Said(Speaker.CANDIDATE, self._user_transcription_buffer, final=False))

    async def _push_user_transcription(self, text: str, result: Any = None) -> None:
        self._prepkit_listener(Said(Speaker.CANDIDATE, text, final=True))
        await self.push_frame(TranscriptionFrame(text=text, user_id="candidate", timestamp=time_now_iso8601()))

    async def _handle_msg_usage_metadata(self, message: Any) -> None:
        self._prepkit_listener(tokens_of(message.usage_metadata))
        await super()._handle_msg_usage_metadata(message)

    async def _prepkit_tool(self, params: FunctionCallParams) -> None:
        # Words whose sentence has no end yet would come half a second later, behind the question whether they suffice.
        text, self._user_transcription_buffer = self._user_transcription_buffer, ""
        if text:
            await self._push_user_transcription(text)
        result = await self._prepkit_answer(params.function_name, dict(params.arguments), params.tool_call_id)
        await params.result_callback(result)

    # For RTVI clients -----------------------------------------------------------------------------------------------
    async def speaking(self, speaker: Speaker, *, started: bool) -> None:
        """Somebody began or stopped to be heard."""
        frames = {
            Speaker.CANDIDATE: (UserStoppedSpeakingFrame, UserStartedSpeakingFrame),
            Speaker.INTERVIEWER: (BotStoppedSpeakingFrame, BotStartedSpeakingFrame),
        }
        await self.push_frame(frames[speaker][started]())


def make_worker(steps: list[FrameProcessor], rtvi: RTVIProcessor, rate: int) -> PipelineWorker:
    """The pipeline around the line: RTVI in, RTVI out at the wire's rate."""
    return PipelineWorker(
        Pipeline(steps),
        params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=rate),
        cancel_on_idle_timeout=False,
        idle_timeout_secs=None,
        rtvi_processor=rtvi,
        rtvi_observer_params=RTVIObserverParams(user_llm_enabled=False, bot_llm_enabled=False, metrics_enabled=False),
    )


def flattened(config: Any) -> Any:
    """The same set-up without the deprecated inner `generation_config`, of which the SDK warns at every connection."""
    inner = config.generation_config
    if inner is None:
        return config
    values = {name: getattr(inner, name) for name in type(inner).model_fields if name in type(config).model_fields}
    given = {name: value for name, value in values.items() if value is not None}
    return config.model_copy(update={**given, "generation_config": None})


def tokens_of(usage: Any) -> Tokens:
    """A turn's `usageMetadata`; what no modality is named for counts as text, thinking as output."""
    audio_in, audio_out = _audio(usage.prompt_tokens_details), _audio(usage.response_tokens_details)
    total_in = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
    total_out = (usage.response_token_count or 0) + (usage.thoughts_token_count or 0)
    return Tokens(max(0, total_in - audio_in), audio_in, max(0, total_out - audio_out), audio_out)


def _audio(details: Any) -> int:
    return sum(d.token_count or 0 for d in details or () if getattr(d.modality, "value", d.modality) == "AUDIO")


def _seconds(text: str | None) -> float:
    try:
        return float((text or "").removesuffix("s"))
    except ValueError:
        return 0.0


def _schema(name: str) -> FunctionSchema:
    properties = {"currentQuestionId": {"type": "string", "description": persona.QUESTION_ID}}
    if name == FOLLOW_UP:
        properties["userResponse"] = {"type": "string", "description": persona.USER_RESPONSE}
    return FunctionSchema(name, persona.TOOLS[name], properties, ["currentQuestionId"])
