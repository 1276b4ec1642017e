"""Every setting of the process, read once from the environment into one frozen object; nothing else reads the environment.

Each name may also be given as `…_FILE`, the path of a file that holds the value. An unknown `PREPKIT_…` name is refused with the nearest match; vendors' own
names (`VAPI_API_KEY`) stand beside their field.
`docs/reference/settings.md` is made from the descriptions here.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .errors import SettingsError

PREFIX = "PREPKIT_"


class Engine(StrEnum):
    """Voice engines this version can run."""

    AUTO = "auto"
    VAPI = "vapi"
    LOCAL = "local"


class AuthMode(StrEnum):
    """Who may come in."""

    SINGLE = "single"


class Payments(StrEnum):
    """How an interview is paid."""

    OFF = "off"


class Recogniser(StrEnum):
    """What turns speech into text on this machine."""

    AUTO = "auto"
    POCKETSPHINX = "pocketsphinx"
    MOONSHINE = "moonshine"
    NONE = "none"


class Speech(StrEnum):
    """What speaks the interviewer's lines on this machine."""

    AUTO = "auto"
    FLITE = "flite"
    ESPEAK = "espeak"
    KOKORO = "kokoro"


def vendor(env: str, default: str, description: str, *, secret: bool = False, pattern: str | None = None) -> Any:
    """A field whose variable has the vendor's name and no prefix."""
    return Field(default, description=description, pattern=pattern, repr=not secret, json_schema_extra={"env": env})


def _unset(value: Any) -> Any:
    return None if value == "" else value


Temperature = Annotated[Annotated[float, Field(ge=0, le=2)] | None, BeforeValidator(_unset)]
Share = Annotated[Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(_unset)]
Candidates = Annotated[Annotated[int, Field(ge=1, le=1000)] | None, BeforeValidator(_unset)]
MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
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


class Settings(BaseModel):
    """The settings; a field `max_calls` is the variable `PREPKIT_MAX_CALLS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on. `single` mode takes loopback addresses only.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    workers: int = Field(1, ge=1, le=1, description="Processes sharing the port. This version runs one.")
    public_url: str = Field("", description="The URL people open; from host and port when empty.")
    data_dir: Path = Field(Path("data"), description="Folder of the database and the recordings.")
    database_url: str = Field(
        "", description="SQLite file in the data folder when empty, or `postgresql+psycopg://…`.", repr=False
    )
    recordings_url: str = Field("", description="Folder in the data folder when empty, or a `file://` folder.")
    voice_engine: Engine = Field(Engine.AUTO, description="`vapi`, `local`, or `auto`: the first whose key is set, else `local`.")
    recogniser: Recogniser = Field(Recogniser.AUTO, description="`auto`, `pocketsphinx`, `moonshine` or `none`.")
    speech: Speech = Field(Speech.AUTO, description="`auto`, `flite`, `espeak` or `kokoro`.")
    auth_mode: AuthMode = Field(AuthMode.SINGLE, description="`single`: one person, signed in, on this machine.")
    payments: Payments = Field(Payments.OFF, description="`off`: no prices anywhere.")
    max_calls: int | None = Field(None, ge=1, le=1000, description="Live calls per process; from the number of cores when unset.")
    retention_days: int = Field(90, ge=1, le=3650, description="Days recordings and transcripts are kept.")
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` or `json`, one line an entry.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    drain_seconds: int = Field(
        600,
        ge=0,
        le=7200,
        description="How long a stopping server lets live calls go on before it interrupts them; they can be resumed.",
    )
    vapi_api_key: str = vendor("VAPI_API_KEY", "", "Private key of the Vapi account; with it `auto` means `vapi`.", secret=True)
    vapi_base_url: str = vendor("VAPI_BASE_URL", "https://api.vapi.ai", "Vapi's API; plain http on loopback only (stand-in).")
    vapi_webhook_secret: str = vendor(
        "VAPI_WEBHOOK_SECRET",
        "",
        "Shared secret in the `X-Vapi-Secret` header; made and kept in the data folder when empty.",
        secret=True,
    )
    vapi_hmac_secret: str = vendor(
        "VAPI_HMAC_SECRET", "", "Secret of an HMAC credential; either form authenticates.", secret=True
    )
    vapi_hmac_header: str = vendor("VAPI_HMAC_HEADER", "x-vapi-signature", "Header of the HMAC signature.")
    vapi_hmac_timestamp_header: str = vendor("VAPI_HMAC_TIMESTAMP_HEADER", "x-vapi-timestamp", "Header of its timestamp.")
    vapi_hmac_payload: str = vendor(
        "VAPI_HMAC_PAYLOAD", "{timestamp}.{body}", "What is signed; `{body}` alone leaves the time out."
    )
    vapi_hmac_encoding: str = vendor("VAPI_HMAC_ENCODING", "hex", "`hex` or `base64`.", pattern="^(hex|base64)$")
    vapi_hmac_prefix: str = vendor("VAPI_HMAC_PREFIX", "", "What stands before the signature, for example `sha256=`.")
    vapi_model: str = vendor("VAPI_MODEL", "openai/gpt-4.1", "Provider and model that talk at Vapi.")
    vapi_voices: str = vendor(
        "VAPI_VOICES", "neutral=sarah,warm=paula,deep=drew", "ElevenLabs voice ids at Vapi for our three voices."
    )
    gemini_api_key: str = vendor(
        "GEMINI_API_KEY", "", "Key of Google's Gemini; with it questions are written for the candidate.", secret=True
    )
    gemini_base_url: str = vendor(
        "GEMINI_BASE_URL",
        "https://generativelanguage.googleapis.com",
        "Gemini's API; plain http on loopback only (stand-in).",
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
    gemini_model_report: str = Field(
        "gemini-3.8-flash", pattern=MODEL_NAME, description="Gemini model that judges answers for the report."
    )
    gemini_temperature_report: Temperature = sampling("report", "Temperature", 0.5)
    gemini_top_p_report: Share = sampling("report", "Top-p", 0.9)
    gemini_top_k_report: Candidates = sampling("report", "Top-k", None)
    gemini_max_tokens_report: int = most_tokens("report", 4000)
    gemini_thinking_report: str = thinking("report", "low")

    @model_validator(mode="after")
    def _single_is_loopback(self) -> Self:
        if self.auth_mode is AuthMode.SINGLE and not is_loopback(self.host):
            raise ValueError(f"{PREFIX}HOST must be a loopback address in single mode, since anyone who reaches it is signed in")
        return self

    @model_validator(mode="after")
    def _vapi_can_reach_us(self) -> Self:
        url = urlsplit(self.vapi_base_url)
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
            raise ValueError("VAPI_BASE_URL must be https, or http on a loopback address")
        if self.voice_engine is Engine.VAPI and not self.vapi_api_key:
            raise ValueError("VAPI_API_KEY must be set for PREPKIT_VOICE_ENGINE=vapi")
        if self.vapi_api_key and not is_loopback(url.hostname or "") and not self.public_url.startswith("https://"):
            raise ValueError("PREPKIT_PUBLIC_URL must be an https URL when VAPI_API_KEY is set: Vapi asks our tools there")
        return self

    @model_validator(mode="after")
    def _gemini_is_https(self) -> Self:
        url = urlsplit(self.gemini_base_url)
        if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname))):
            raise ValueError("GEMINI_BASE_URL must be https, or http on a loopback address")
        return self

    @property
    def engines(self) -> tuple[str, ...]:
        """Voice engines in the order in which a call tries them; `local` is always last."""
        first = ("vapi",) if self.vapi_api_key and self.voice_engine in (Engine.AUTO, Engine.VAPI) else ()
        return (*first, "local")

    @property
    def database(self) -> str:
        """The database URL in use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'prepkit.db'}"

    @property
    def recordings(self) -> Path:
        """The folder of the recordings."""
        return Path(self.recordings_url.removeprefix("file://")) if self.recordings_url else self.data_dir / "recordings"


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def variable_of(field: str) -> str:
    """The environment variable of a field."""
    extra = Settings.model_fields[field].json_schema_extra
    return str(extra["env"]) if isinstance(extra, dict) and "env" in extra else f"{PREFIX}{field.upper()}"


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment. Raises SettingsError, naming the variable and what is wrong, never its value."""
    names = {variable_of(field): field for field in Settings.model_fields}
    values: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) and variable.removesuffix("_FILE") not in names:
            continue
        plain = variable.removesuffix("_FILE") if variable not in names else variable
        if plain not in names:
            nearest = difflib.get_close_matches(variable, names, n=1, cutoff=0.0)[0]
            raise SettingsError(f"There is no setting {variable}. Did you mean {nearest}?")
        values[names[plain]] = value if plain == variable else _read(variable, value)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = f"{variable_of(str(first['loc'][0]))}: " if first["loc"] else ""
        raise SettingsError(f"{where}{first['msg'].removeprefix('Value error, ')}.") from None


def _read(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: the file cannot be read ({error.strerror}).") from None
