"""Every setting of the process, read once from the environment into one frozen object; nothing else reads the environment.

Each name may also be given as `…_FILE`, the path of a file that holds the value. An unknown `PREPKIT_…` name is refused with the nearest match; vendors' own
names (`VAPI_API_KEY`) stand beside their field. A subject with many settings has a file and a base class of its own (`vapi`, `gemini`, `mail`).
`docs/reference/settings.md` is made from the descriptions here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError, model_validator

from ..errors import SettingsError
from .accounts import AccountSettings, AuthMode, SignUp
from .director import DirectorSettings
from .fields import is_loopback
from .gemini import GeminiSettings
from .grading import GradingSettings
from .mail import MailSettings
from .operators import OperatorSettings
from .payments import Payments, PaymentSettings
from .privacy import PrivacySettings
from .recordings import RecordingSettings
from .vapi import VapiSettings

PREFIX = "PREPKIT_"


class Engine(StrEnum):
    """Voice engines this version can run."""

    AUTO = "auto"
    VAPI = "vapi"
    GEMINI = "gemini"
    LOCAL = "local"


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


class Settings(
    VapiSettings,
    GeminiSettings,
    DirectorSettings,
    GradingSettings,
    MailSettings,
    PaymentSettings,
    OperatorSettings,
    AccountSettings,
    PrivacySettings,
    RecordingSettings,
):
    """The settings; a field `max_calls` is the variable `PREPKIT_MAX_CALLS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on. `single` mode takes loopback addresses only.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    workers: int = Field(1, ge=1, le=64, description="Processes sharing the port; more than one needs PostgreSQL.")
    public_url: str = Field("", description="The URL people open; from host and port when empty.")
    data_dir: Path = Field(Path("data"), description="Folder of the database and the recordings.")
    database_url: str = Field(
        "", description="SQLite file in the data folder when empty, or `postgresql+psycopg://…`.", repr=False
    )
    voice_engine: Engine = Field(
        Engine.AUTO, description="`vapi`, `gemini`, `local`, or `auto`: the first whose key is set, else `local`."
    )
    recogniser: Recogniser = Field(Recogniser.AUTO, description="`auto`, `pocketsphinx`, `moonshine` or `none`.")
    speech: Speech = Field(Speech.AUTO, description="`auto`, `flite`, `espeak` or `kokoro`.")
    max_calls: int | None = Field(None, ge=1, le=1000, description="Live calls per process; from the number of cores when unset.")
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` or `json`, one line an entry.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    drain_seconds: int = Field(
        600,
        ge=0,
        le=7200,
        description="How long a stopping server lets live calls go on before it interrupts them; they can be resumed.",
    )

    @model_validator(mode="after")
    def _who_reaches_it(self) -> Self:
        if problem := self.reach_problem(self.host, self.public_url):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _people_know_what_google_does(self) -> Self:
        real = self.gemini_api_key and not is_loopback(urlsplit(self.gemini_base_url).hostname or "")
        if real and self.auth_mode is not AuthMode.SINGLE and not self.gemini_plan:
            raise ValueError(
                f"{PREFIX}GEMINI_PLAN must be paid or free when other people use this server: with a free key Google may train on what they say"
            )
        return self

    @model_validator(mode="after")
    def _engine_can_be_had(self) -> Self:
        host = urlsplit(self.vapi_base_url).hostname or ""
        if self.voice_engine is Engine.VAPI and not self.vapi_api_key:
            raise ValueError("VAPI_API_KEY must be set for PREPKIT_VOICE_ENGINE=vapi")
        if self.voice_engine is Engine.GEMINI and not self.gemini_api_key:
            raise ValueError("GEMINI_API_KEY must be set for PREPKIT_VOICE_ENGINE=gemini")
        if self.vapi_api_key and not is_loopback(host) and not self.public_url.startswith("https://"):
            raise ValueError("PREPKIT_PUBLIC_URL must be an https URL when VAPI_API_KEY is set: Vapi asks our tools there")
        return self

    @model_validator(mode="after")
    def _workers_share_a_server(self) -> Self:
        if self.workers > 1 and not self.database_url.startswith("postgresql"):
            raise ValueError(
                f"{PREFIX}WORKERS above 1 needs PostgreSQL ({PREFIX}DATABASE_URL): an SQLite file belongs to one process"
            )
        return self

    @model_validator(mode="after")
    def _demo_money_stays_here(self) -> Self:
        open_to_others = not is_loopback(self.host) or (
            self.public_url and not is_loopback(urlsplit(self.public_url).hostname or "")
        )
        if self.payments is Payments.FAKE and open_to_others:
            raise ValueError(f"{PREFIX}PAYMENTS=fake is a demonstration: it takes a loopback host and public URL only")
        return self

    @property
    def engines(self) -> tuple[str, ...]:
        """Voice engines in the order in which a call tries them: the chosen one, those after it whose key is set, `local` always last."""
        keyed = {Engine.VAPI: bool(self.vapi_api_key), Engine.GEMINI: bool(self.gemini_api_key), Engine.LOCAL: True}
        order = list(keyed)
        begin = 0 if self.voice_engine is Engine.AUTO else order.index(self.voice_engine)
        return tuple(engine.value for engine in order[begin:] if keyed[engine])

    @property
    def on_own_machine(self) -> bool:
        """Whether one person alone uses this server and no vendor takes part in an interview."""
        return self.auth_mode is AuthMode.SINGLE and self.engines == ("local",) and not self.gemini_api_key

    @property
    def database(self) -> str:
        """The database URL in use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'prepkit.db'}"

    @property
    def recordings(self) -> Path:
        """The folder of the recordings; where they go to a bucket, that of what waits for it."""
        own = not self.recordings_url or self.bucket
        return self.data_dir / "recordings" if own else Path(self.recordings_url.removeprefix("file://"))


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


__all__ = ["AuthMode", "Engine", "Payments", "Recogniser", "Settings", "SignUp", "Speech", "is_loopback", "load", "variable_of"]
