"""Live follow-ups by a language model, as the settings have them: gives every leg of the supervisor a director. Read next: `bridge.usecases.directing`."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bridge.config import Settings
from bridge.domain.agenda import Agenda
from bridge.language_model import LanguageModel
from bridge.usecases.directing import Director, DirectorOptions, MakeDirector

from .keys import MODEL, SUPERVISOR


def options(settings: Settings) -> DirectorOptions:
    """What the settings say."""
    chosen = settings.model_dump(include={f"director_{name}" for name in DirectorOptions.__dataclass_fields__})
    return DirectorOptions(**{name.removeprefix("director_"): value for name, value in chosen.items()})


def maker(model: LanguageModel, chosen: DirectorOptions) -> MakeDirector:
    """Makes a leg's director."""

    def make(agenda: Agenda, session_id: str, clock: Callable[[], int]) -> Director:
        return Director(agenda, model, session_id, clock, chosen)

    return make


def attach(app: web.Application, settings: Settings) -> None:
    """To be called once the model and the supervisor are there."""
    if (model := app[MODEL]) is not None:
        app[SUPERVISOR].make_director = maker(model, options(settings))
