"""Settings of Google's Gemini: key, place, and how it is asked for each purpose (C-28)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from .fields import https_or_loopback, unset, vendor

Temperature = Annotated[Annotated[float, Field(ge=0, le=2)] | None, BeforeValidator(unset)]
Share = Annotated[Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(unset)]
Candidates = Annotated[Annotated[int, Field(ge=1, le=1000)] | None, BeforeValidator(unset)]
MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
VOICES = r"^neutral=[A-Za-z]{1,40},warm=[A-Za-z]{1,40},deep=[A-Za-z]{1,40}$"
THINKING = "^(minimal|low|medium|high)?$"
ASKED_FOR = {"questions": "questions", "live": "follow-ups", "report": "the report"}


def sampling(purpose: str, what: str, default: Any) -> Any:
    """A field that says how Gemini is asked for one purpose; empty leaves it to the model."""
    return Field(default, description=f"{what} when Gemini is asked for {ASKED_FOR[purpose]}; empty leaves it to the model.")


def thinking(purpose: str, default: str) -> Any:
    """A field that says how long Gemini thinks."""
    text = f"How long Gemini thinks about {ASKED_FOR[purpose]}: `minimal`, `low`, `medium`, `high`; empty leaves it to the model."
    return Field(default, pattern=THINKING, description=text)


def most_tokens(purpose: str, default: int) -> Any:
    """A field that bounds an answer."""
    text = f"Most tokens of one answer about {ASKED_FOR[purpose]}, thinking included."
    return Field(default, ge=64, le=65_536, description=text)


class GeminiSettings(BaseModel):
    """The part about Gemini."""

    gemini_api_key: str = vendor(
        "GEMINI_API_KEY",
        "",
        "Key of Google's Gemini: questions are written for the candidate, and without Vapi's key `auto` means `gemini`.",
        secret=True,
    )
    gemini_base_url: str = vendor(
        "GEMINI_BASE_URL",
        "https://generativelanguage.googleapis.com",
        "Gemini's API; plain http on loopback only (stand-in).",
    )
    gemini_plan: Literal["", "paid", "free"] = Field(
        "",
        description="`paid` or `free`: what Google may do with what is sent depends on it (C-54). Must be said when other people than you use this server; "
        "the privacy page says it.",
    )
    gemini_model_questions: str = Field("gemini-3.8-flash", pattern=MODEL_NAME, description="Gemini model that writes questions.")
    gemini_temperature_questions: Temperature = sampling("questions", "Temperature", 0.7)
    gemini_top_p_questions: Share = sampling("questions", "Top-p", 0.95)
    gemini_top_k_questions: Candidates = sampling("questions", "Top-k", 40)
    gemini_max_tokens_questions: int = most_tokens("questions", 3000)
    gemini_thinking_questions: str = thinking("questions", "low")
    gemini_model_live: str = Field(
        "gemini-3.5-flash-lite", pattern=MODEL_NAME, description="Gemini model that decides on follow-ups during an interview."
    )
    gemini_temperature_live: Temperature = sampling("live", "Temperature", None)
    gemini_top_p_live: Share = sampling("live", "Top-p", None)
    gemini_top_k_live: Candidates = sampling("live", "Top-k", None)
    gemini_max_tokens_live: int = most_tokens("live", 512)
    gemini_thinking_live: str = thinking("live", "minimal")
    gemini_model_voice: str = Field(
        "gemini-3.8-live", pattern=MODEL_NAME, description="Gemini Live model that hears and speaks in the `gemini` voice engine."
    )
    gemini_voices: str = Field(
        "neutral=Kore,warm=Sulafat,deep=Charon",
        pattern=VOICES,
        description="Gemini's prebuilt voices for our three, in the `gemini` voice engine.",
    )
    gemini_model_report: str = Field(
        "gemini-3.8-flash", pattern=MODEL_NAME, description="Gemini model that judges answers for the report."
    )
    gemini_temperature_report: Temperature = sampling("report", "Temperature", 0.5)
    gemini_top_p_report: Share = sampling("report", "Top-p", 0.9)
    gemini_top_k_report: Candidates = sampling("report", "Top-k", None)
    gemini_max_tokens_report: int = most_tokens("report", 4000)
    gemini_thinking_report: str = thinking("report", "low")

    @model_validator(mode="after")
    def _gemini_is_https(self) -> Self:
        if not https_or_loopback(self.gemini_base_url):
            raise ValueError("GEMINI_BASE_URL must be https, or http on a loopback address")
        return self
