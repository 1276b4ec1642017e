"""Every setting of the process, read once from the environment into one frozen object; nothing else reads the environment.

Each `PREPKIT_…` name may also be given as `…_FILE`, the path of a file that holds the value. An unknown `PREPKIT_…` name is refused with the nearest match.
`docs/reference/settings.md` is made from the descriptions here.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import SettingsError

PREFIX = "PREPKIT_"


class Engine(StrEnum):
    """Voice engines this version can run."""

    AUTO = "auto"
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
    voice_engine: Engine = Field(Engine.AUTO, description="`auto` or `local`.")
    recogniser: Recogniser = Field(Recogniser.AUTO, description="`auto`, `pocketsphinx`, `moonshine` or `none`.")
    speech: Speech = Field(Speech.AUTO, description="`auto`, `flite`, `espeak` or `kokoro`.")
    auth_mode: AuthMode = Field(AuthMode.SINGLE, description="`single`: one person, signed in, on this machine.")
    payments: Payments = Field(Payments.OFF, description="`off`: no prices anywhere.")
    max_calls: int | None = Field(None, ge=1, le=1000, description="Live calls per process; from the number of cores when unset.")
    retention_days: int = Field(90, ge=1, le=3650, description="Days recordings and transcripts are kept.")
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` or `json`, one line an entry.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")

    @model_validator(mode="after")
    def _single_is_loopback(self) -> Self:
        if self.auth_mode is AuthMode.SINGLE and not is_loopback(self.host):
            raise ValueError(f"{PREFIX}HOST must be a loopback address in single mode, since anyone who reaches it is signed in")
        return self

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


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment. Raises SettingsError, naming the variable and what is wrong, never its value."""
    names = {f"{PREFIX}{field.upper()}": field for field in Settings.model_fields}
    values: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX):
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
        where = f"{PREFIX}{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise SettingsError(f"{where}{first['msg'].removeprefix('Value error, ')}.") from None


def _read(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: the file cannot be read ({error.strerror}).") from None
