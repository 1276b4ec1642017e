"""A judge for the report's tests: the real Gemini client on loopback before the strict stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.clients.gemini import Gemini, GeminiOptions, Sampling
from bridge.language_model import Purpose
from reporting.grading import Grader
from web.standins.gemini import GeminiStandin
from web.standins.gemini_minds import StandinBrain
from web.standins.gemini_reviewer import Grading

MODEL = "gemini-3.8-flash"
SAMPLING = Sampling(MODEL, 4000, 0.5, 0.9, None, "low")


@asynccontextmanager
async def judging(grading: Grading = "honest", *, runs: int = 3) -> AsyncIterator[tuple[Grader, GeminiStandin]]:
    """A grader and the stand-in behind it."""
    async with GeminiStandin(brain=StandinBrain(grading=grading)) as standin, client(standin.url) as model:
        yield Grader(model, MODEL, runs), standin


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Gemini]:
    """The real client."""
    model = Gemini(GeminiOptions("test-key", url, dict.fromkeys(Purpose, SAMPLING), trust_env=False))
    await model.open()
    try:
        yield model
    finally:
        await model.close()
