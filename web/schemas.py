"""Request and response bodies of the HTTP API: pydantic models, camelCase (contract §4).

`SetupRequest` is where a choice is checked against the tables of `bridge.domain.catalog`; every broken rule is named with its field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from bridge.domain.catalog import (
    DIFFICULTIES,
    QUESTION_COUNT_OVERRIDE,
    Difficulty,
    InterviewType,
    parse_area,
    parse_type,
)
from bridge.domain.pricing import Plan
from bridge.domain.setup import (
    LANGUAGES,
    MAX_DOCUMENT,
    MAX_FOCUS_AREAS,
    MAX_REQUIREMENTS,
    MAX_SHORT_TEXT,
    FollowUpStyle,
    InterviewSetup,
    Mode,
    Pace,
    Voice,
)
from bridge.usecases import sharing

from .problems import FieldErrors

T = TypeVar("T", bound=BaseModel)


class Model(BaseModel):
    """camelCase outside, snake_case inside; unknown fields are ignored and never stored."""

    # Built at first use, not all at the start: forty of them are a twentieth of it.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=True)


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _type(text: str) -> InterviewType:
    found = parse_type(text)
    if found is None:
        raise ValueError(f"Choose one of {', '.join(InterviewType)}.")
    return found


def _known_type(text: str) -> str:
    _type(text)
    return text


def _known_count(count: int | None) -> int | None:
    if count is not None and count not in QUESTION_COUNT_OVERRIDE:
        raise ValueError("Ask for 3 to 10 questions.")
    return count


def _known_language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"Choose one of {', '.join(LANGUAGES)}.")
    return code


ShortText = Annotated[str, Field(max_length=MAX_SHORT_TEXT)]


class SetupRequest(Model):
    """`POST /api/interviews/setup` (R-013, R-090)."""

    type: Annotated[str, AfterValidator(_known_type)] = Field(
        max_length=60, description="javascript, machine-coding, dsa, system-design or behavioral; aliases are taken."
    )
    difficulty: Annotated[Difficulty, BeforeValidator(_lower)] = Difficulty.MEDIUM
    duration: int | None = Field(None, description="Minutes, within the difficulty's range; its default when left out.")
    focus_areas: list[ShortText] = Field(default_factory=list, max_length=MAX_FOCUS_AREAS)
    specific_requirements: str = Field("", max_length=MAX_REQUIREMENTS)
    language: Annotated[str, BeforeValidator(_lower), AfterValidator(_known_language)] = Field(
        "en", max_length=10, description="One that this server cannot speak becomes English, with a note in the answer."
    )
    voice: Annotated[Voice, BeforeValidator(_lower)] = Voice.NEUTRAL
    pace: Annotated[Pace, BeforeValidator(_lower)] = Pace.MODERATE
    follow_up_style: Annotated[FollowUpStyle, BeforeValidator(_lower)] = FollowUpStyle.BALANCED
    mode: Annotated[Mode, BeforeValidator(_lower)] = Field(
        Mode.REAL, description="`study`: hints may be asked for, as many a question as the difficulty has; the report shows them."
    )
    company: ShortText = ""
    role: ShortText = ""
    level: ShortText = ""
    question_count: Annotated[int | None, AfterValidator(_known_count)] = Field(
        None, description="Explicit number of questions, 3 to 10."
    )
    cv: str = Field("", max_length=MAX_DOCUMENT, description="Text of a CV, for questions that fit it.")
    job_description: str = Field("", max_length=MAX_DOCUMENT, description="Text of the job's description.")

    @field_validator("duration")
    @classmethod
    def _within_the_difficulty(cls, minutes: int | None, info: ValidationInfo) -> int | None:
        """C-01. A bad difficulty is named by itself: no minutes can be judged by it."""
        if minutes is not None and (difficulty := info.data.get("difficulty")):
            profile = DIFFICULTIES[difficulty]
            if not profile.min_minutes <= minutes <= profile.max_minutes:
                raise ValueError(f"{profile.title} interviews take {profile.min_minutes} to {profile.max_minutes} minutes.")
        return minutes

    def to_setup(self) -> InterviewSetup:
        """The choice in the words of the domain."""
        interview_type = _type(self.type)
        minutes = self.duration or DIFFICULTIES[self.difficulty].default_minutes
        areas = [area.strip() for area in self.focus_areas if area.strip()]
        known = [(text, parse_area(interview_type, text)) for text in areas]
        return InterviewSetup(
            type=interview_type,
            difficulty=self.difficulty,
            duration_minutes=minutes,
            focus_areas=tuple(dict.fromkeys(slug for _, slug in known if slug)),
            other_areas=tuple(text for text, slug in known if slug is None),
            specific_requirements=self.specific_requirements.strip(),
            language=self.language,
            voice=self.voice,
            pace=self.pace,
            follow_up_style=self.follow_up_style,
            mode=self.mode,
            company=self.company.strip(),
            role=self.role.strip(),
            level=self.level.strip(),
            question_count=self.question_count,
            cv=self.cv.strip(),
            job_description=self.job_description.strip(),
        )


class QuestionView(Model):
    """A question as its candidate may see it: its text only once asked, key points never (C-31)."""

    id: str
    order: int
    minutes: float
    text: str | None = None


class Quote(Model):
    """What it costs before it costs (R-102)."""

    amount: int = Field(description="Minor units of `currency`.")
    currency: str
    reason: str
    message: str
    expires_at: str | None = None


class SetupResponse(Model):
    """201 of set-up."""

    session_id: str
    status: str
    questions: list[QuestionView]
    vapi_call_url: None = None
    estimated_duration: int = Field(description="Minutes.")
    estimated_cost: int = Field(description="Minor units.")
    quote: Quote
    questions_from: Literal["gemini", "bank", "both"] = Field(
        description="Written for this candidate, from the bundled bank, or some of each."
    )
    note: str | None = Field(None, description="What the candidate should know: a model that failed, another language.")


class DocumentResponse(Model):
    """200 of documents: the text of a PDF."""

    text: str
    pages: int = Field(description="In the whole file.")
    truncated: bool = Field(description="Whether pages or text were left out.")


class ConsentRequest(Model):
    """That the candidate agrees to the words of this version."""

    version: str = Field(max_length=32, description="Of the words that were shown; GET …/consent tells today's.")


class StartRequest(Model):
    """Body of start; empty once consent was given."""

    consent: ConsentRequest | None = Field(None, description="Needed before the first start, here or at …/consent (R-116).")


class PrivacyChoices(Model):
    """What a person chose."""

    training: StrictBool = Field(description="Whether interviews from now on may be used to improve the interviewer.")


class StartResponse(Model):
    """200 of start: where to connect, and the token that opens it once within 30 s."""

    call_id: str
    status: Literal["initiated"] = "initiated"
    timestamp: str
    engine: str
    bridge_url: str
    vapi_url: str
    token: str


class PaymentRequest(Model):
    """What is bought: an interview or a plan. What it costs is known here and never taken from a browser (C-12)."""

    session_id: str | None = Field(None, max_length=64)
    plan: Annotated[Plan | None, BeforeValidator(_lower)] = None


class CreditRequest(Model):
    """Credit for a person, in the price list's minor units (or in interviews, where credits are handed out)."""

    email: str | None = Field(None, max_length=254)
    user_id: str | None = Field(None, max_length=64)
    amount: int = Field(ge=-10_000_000, le=10_000_000)
    reference: str | None = Field(None, min_length=1, max_length=100, description="The same one is one gift.")
    note: str = Field("", max_length=200)


class VoucherRequest(Model):
    """A new voucher: so many people may use its code, each once."""

    partner: str = Field("", max_length=100, description="Whose it is.")
    amount: int = Field(
        ge=1, le=10_000_000, strict=True, description="What each use gives: paise, or interviews where credits are handed out."
    )
    uses: int = Field(1, ge=1, le=100_000, strict=True)
    days: int | None = Field(None, ge=1, le=3650, strict=True, description="Without it, it does not end by itself.")


class CodeRequest(Model):
    """A voucher's code, or that of whoever brought you here."""

    code: str = Field(min_length=1, max_length=64)


class PaymentResponse(Model):
    """Where to pay; both null when there is nothing to pay (any more)."""

    payment_id: str | None
    checkout_url: str | None


class CompleteResponse(Model):
    """202 of complete."""

    report_generating: Literal[True] = True
    estimated_time: str


class HistoryItem(Model):
    """One line of the history."""

    session_id: str
    type: str
    difficulty: str
    score: int | None
    date: str
    duration: int = Field(description="Seconds.")
    status: str


class HistoryResponse(Model):
    """A page of the history."""

    interviews: list[HistoryItem]
    total: int
    page: int
    limit: int


class HistoryQuery(Model):
    """Query of the history."""

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(10, ge=1, le=100)
    type: Annotated[InterviewType | None, BeforeValidator(lambda v: _lower(v) or None)] = None
    difficulty: Annotated[Difficulty | None, BeforeValidator(lambda v: _lower(v) or None)] = None


class ShareRequest(Model):
    """How long a link works, and what it hides."""

    expires_in_days: int = Field(sharing.DEFAULT_DAYS, ge=1, le=sharing.MAX_DAYS)
    hide_name: bool = False
    hide_transcript: bool = False
    hide_audio: bool = True


class ShareResponse(Model):
    """A new link: its address is told this once."""

    id: str
    url: str
    created_at: str
    expires_at: str
    hide_name: bool
    hide_transcript: bool
    hide_audio: bool


class MailRequest(Model):
    """Whom to tell that the report is ready."""

    address: str = Field("", max_length=320, description="Where to; your account's address when left out.")
    attach_pdf: bool = Field(False, description="Also send the report itself, as a PDF.")


def validate(model: type[T], data: Any) -> T:
    """`data` as `model`. Raises FieldErrors with {field, message} for each bad field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = [
            {"field": ".".join(str(part) for part in e["loc"]) or "body", "message": e["msg"].removeprefix("Value error, ")}
            for e in error.errors(include_input=False, include_url=False)
        ]
        raise FieldErrors("Some fields need another value.", details=details) from None
