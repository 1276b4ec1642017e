"""The language model behind its port, as the settings have it; its calls are booked on the interview they were made for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from aiohttp import web

from bridge.clients.gemini import Gemini, GeminiOptions, Sampling
from bridge.config import Settings, is_loopback
from bridge.domain.setup import spoken_languages
from bridge.language_model import ModelCall, Purpose
from bridge.ports import Store
from bridge.usecases import model_costs
from reporting.grading import Grader

from .keys import MODEL, SETTINGS


def options(settings: Settings) -> GeminiOptions:
    """What Gemini is asked with."""

    def sampling(purpose: Purpose) -> Sampling:
        chosen = settings.model_dump(include={f"gemini_{name}_{purpose}" for name in Sampling.__dataclass_fields__})
        return Sampling(**{name.removeprefix("gemini_").removesuffix(f"_{purpose}"): value for name, value in chosen.items()})

    return GeminiOptions(
        api_key=settings.gemini_api_key,
        base_url=settings.gemini_base_url,
        samplings={purpose: sampling(purpose) for purpose in Purpose},
        trust_env=not is_loopback(urlsplit(settings.gemini_base_url).hostname or ""),
    )


def of(settings: Settings, store: Store) -> Gemini | None:
    """The model, where its key is set."""
    if not settings.gemini_api_key:
        return None

    async def book(call: ModelCall) -> None:
        await model_costs.book(store, call)

    return Gemini(options(settings), book)


def attach(app: web.Application, settings: Settings, store: Store) -> None:
    """Give the application its model: imported before the first request, closed while the store is still open."""
    model = of(settings, store)
    app[MODEL] = model

    async def kept(_: web.Application) -> AsyncIterator[None]:
        if model:
            await model.open()
        yield
        if model:
            await model.close()

    app.cleanup_ctx.append(kept)


def grader(app: web.Application) -> Grader | None:
    """Who judges answers for the report, where there is a model."""
    model, settings = app[MODEL], app[SETTINGS]
    return Grader(model, settings.gemini_model_report, settings.gradings) if model else None


def languages(settings: Settings) -> tuple[str, ...]:
    """Languages this server can hold an interview in."""
    return spoken_languages(settings.engines, has_model=bool(settings.gemini_api_key))
