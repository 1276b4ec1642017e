"""Which vendors fail just now, in words: for `/readyz`, the set-up page and operators. Nothing of it stops an interview. Read next: `health`."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bridge.errors import Trouble

from .keys import MODEL, SETTINGS, SUPERVISOR

WORDS = {
    Trouble.UNAUTHORISED: "Google does not accept this server's key. `prepkit doctor` says more.",
    Trouble.UNKNOWN_MODEL: "Google does not know a model that is set. `prepkit doctor` says more.",
    Trouble.QUOTA: "Google's quota for this server is used up for now.",
}
SEVERAL_TIMES = "The language model failed several times and is left alone for a moment."
GO_ON = {
    "model": "Interviews go on without it; this does not count.",
    "engine": "Interviews go on with the next voice; this does not count.",
}


@dataclass(frozen=True)
class Failing:
    """One kind of vendor. `failing`: purposes of the model or names of engines; empty, as `reason`, while all is well."""

    failing: list[str]
    reason: str = ""


def of(app: web.Application) -> dict[str, Failing]:
    """`model` and `engine`, as far as this server has a vendor for them."""
    found = {}
    if (model := app[MODEL]) is not None:
        troubles = model.troubled()
        said = {WORDS.get(trouble, SEVERAL_TIMES) for trouble in troubles.values()}
        found["model"] = _failing("model", sorted(troubles), said)
    if "gemini" in app[SETTINGS].engines:
        lost = app[SUPERVISOR].troubled()
        found["engine"] = _failing("engine", sorted(lost), set(lost.values()))
    return found


def _failing(kind: str, names: list[str], said: set[str]) -> Failing:
    return Failing(names, " ".join([*sorted(said), GO_ON[kind]]) if names else "")
