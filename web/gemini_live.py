"""Puts the Gemini Live engine together: the SDK's client, voices, ledger. Nothing of it is loaded without a key. Read next: `app`."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from bridge.clients.gemini_live import LiveOptions, build, explain
from bridge.config import Settings
from bridge.ports import Store
from bridge.usecases import model_costs
from pipeline.engines.gemini_lives import GeminiLives, Live, Tokens
from pipeline.voice.batch_vad import BatchVad


def assemble(settings: Settings, store: Store, vad: BatchVad | None) -> GeminiLives:
    """Everything of it, closed by its `close()`. `vad` is shared with another engine where there is one."""
    options = LiveOptions(settings.gemini_api_key, settings.gemini_base_url)

    async def book(session_id: str, used: Tokens, minutes: float) -> None:
        spoken = model_costs.Spoken(
            settings.gemini_model_voice, used.text_in, used.audio_in, used.text_out, used.audio_out, minutes
        )
        await model_costs.book_voice(store, session_id, f"live:{uuid4().hex}", spoken, datetime.now(UTC))

    live = Live(
        build=lambda: _load(options),
        explain=explain,
        book=book,
        model=settings.gemini_model_voice,
        voices=dict(pair.split("=", 1) for pair in settings.gemini_voices.split(",")),
    )
    return GeminiLives(live, vad)


def _load(options: LiveOptions) -> object:
    """The client, with everything heavy imported on the way, off the event loop."""
    from pipeline.engines import gemini  # noqa: F401, PLC0415

    return build(options)
