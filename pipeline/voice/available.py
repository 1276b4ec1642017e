"""Which recogniser and which voice this machine has, and what to call them in words; nothing is loaded to say so.

`auto` takes the best that is installed: Moonshine and Kokoro of the `local` extra, else pocketsphinx, else typed answers only; flite, else eSpeak NG.
Pages and readiness ask here, so pipecat must not be imported by this module. Read next: `choose`, which makes them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec

FLITE_LABEL = "flite, a small synthetic voice on this machine"
ESPEAK_LABEL = "eSpeak NG, a synthetic voice on this machine"
MOONSHINE_LABEL = "Moonshine, a good recogniser on this machine"
KOKORO_LABEL = "Kokoro, a natural voice on this machine"
SPHINX_LABEL = "PocketSphinx, a small recogniser on this machine (demonstration quality)"
TYPED_LABEL = "nobody: answers are typed here"
RECOGNISERS = {"moonshine": MOONSHINE_LABEL, "pocketsphinx": SPHINX_LABEL, "none": TYPED_LABEL}
VOICES = {"kokoro": KOKORO_LABEL, "flite": FLITE_LABEL, "espeak": ESPEAK_LABEL}


@dataclass(frozen=True)
class Voices:
    """What will hear and speak."""

    recogniser: str
    voice: str
    hears: bool
    speaks: bool
    problem: str | None
    """What is missing, as a sentence."""


def _has(package: str) -> bool:
    return find_spec(package) is not None


def _installed() -> dict[str, bool]:
    return {
        "moonshine": _has("moonshine_voice"),
        "pocketsphinx": _has("pocketsphinx"),
        "none": True,
        "kokoro": _has("kokoro_onnx"),
        "flite": flite_installed(),
        "espeak": _has("espeakng_loader"),
    }


def pick(preference: str, among: dict[str, str]) -> str | None:
    """What is used of these, best first: the preference or, for `auto`, the first that is installed; None when it is not there."""
    installed = _installed()
    if preference != "auto":
        return preference if installed.get(preference) else None
    return next((name for name in among if installed[name]), None)


def describe(recogniser: str = "auto", speech: str = "auto") -> Voices:
    """What would be used, without loading it."""
    ears, mouth = pick(recogniser, RECOGNISERS), pick(speech, VOICES)
    problems = []
    if ears is None:
        problems.append(f"The recogniser {recogniser} is not installed.")
    if mouth is None:
        problems.append(voiceless(speech))
    return Voices(
        recogniser=RECOGNISERS[ears or "none"],
        voice=VOICES[mouth] if mouth else "no voice",
        hears=ears not in (None, "none"),
        speaks=mouth is not None,
        problem=" ".join(problems) or None,
    )


def voiceless(preference: str) -> str:
    """Why there is no voice, and what to do."""
    what = "No voice" if preference == "auto" else f"The voice {preference}"
    return f"{what} is {'' if preference == 'auto' else 'not '}installed: install flite, or the `embedded` extra."


def flite_installed() -> bool:
    """Whether the program is there."""
    return shutil.which("flite") is not None
