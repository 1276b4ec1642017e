"""Keys of what is encrypted at rest: one a session, wrapped by the master key, kept in the database away from the audio (R-112, R-120, C-52, P4).

To destroy a session's key is to erase every copy of its recording, those in back-ups of the recordings included. The newest master key wraps; older ones still open until
`rewrap` has gone through, a batch a transaction, while the server runs. Read next: `sealing`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.errors import CannotDecrypt, SettingsError

from .sealing import Seal
from .tables import data_keys

KEY_BYTES = 32
BATCH = 200
FILE = "master.keys"
UNKNOWN = (
    "This was encrypted under the master key {}, which this server does not have. Give it in PREPKIT_MASTER_KEY behind the newer one, "
    "or put the data folder's keys/master.keys back."
)


@dataclass(frozen=True)
class MasterKey:
    """A key that wraps others."""

    id: str
    """From the key itself, so that it needs no name; tells nothing about it."""
    key: bytes = field(repr=False)
    made_at: datetime | None = None
    """Known when it is kept in the data folder."""


def master_key(key: bytes, made_at: datetime | None = None) -> MasterKey:
    """The key with its id."""
    return MasterKey(hashlib.sha256(b"prepkit master key\0" + key).hexdigest()[:16], key, made_at)


def parse(text: str) -> MasterKey:
    """A key from its 44 characters of base64, or 64 of hexadecimal. Raises SettingsError, without the key."""
    with suppress(binascii.Error, ValueError):
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
        if len(key) == KEY_BYTES:
            return master_key(key)
    raise SettingsError(
        "PREPKIT_MASTER_KEY: each key is 32 bytes as base64 or hexadecimal, for example from `openssl rand -base64 32`."
    )


class MasterKeys:
    """The master keys of this server, newest first: from the setting, else kept in a file, made at first use."""

    def __init__(self, folder: Path, given: str = "") -> None:
        """Raises SettingsError for a key that is none."""
        self._file = folder / FILE
        self.given = tuple(parse(part.strip()) for part in given.split(",") if part.strip())
        self._known: tuple[MasterKey, ...] = self.given

    def all(self) -> tuple[MasterKey, ...]:
        """Newest first."""
        if not self._known:
            self._load()
        return self._known

    def current(self) -> MasterKey:
        """The one that wraps. A key that another process added counts from the moment it is in the file."""
        if not self.given:
            self._load()
        return self._known[0]

    def get(self, id: str) -> MasterKey:
        """Raises CannotDecrypt, naming the key that is missing."""
        for fresh in (False, True):
            if fresh and not self.given:
                self._load()
            for known in self.all():
                if known.id == id:
                    return known
        raise CannotDecrypt(UNKNOWN.format(id))

    def add(self) -> MasterKey:
        """Make a new newest key in the file. Raises SettingsError where the setting gives them."""
        if self.given:
            raise SettingsError(
                "The master key comes from PREPKIT_MASTER_KEY: put a new key before the old one there, restart, then rotate again."
            )
        made = master_key(os.urandom(KEY_BYTES), datetime.now(UTC))
        self._save((made, *self.all()))
        return made

    def forget(self, id: str) -> None:
        """Take a key that wraps nothing any more out of the file."""
        if not self.given:
            self._save(tuple(key for key in self.all() if key.id != id))

    def _load(self) -> None:
        if not self._file.is_file():
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._draft((master_key(os.urandom(KEY_BYTES), datetime.now(UTC)),))
            # Another process may be first: its key is then the one.
            with suppress(FileExistsError):
                os.link(draft, self._file)
            draft.unlink()
        self._known = tuple(_line(line) for line in self._file.read_text(encoding="ascii").splitlines() if line.strip())
        if not self._known:
            raise SettingsError(
                f"{FILE} in the data folder's keys is empty. Put it back from a back-up; without it no recording can be played."
            )

    def _save(self, keys: tuple[MasterKey, ...]) -> None:
        self._draft(keys).replace(self._file)
        self._known = keys

    def _draft(self, keys: tuple[MasterKey, ...]) -> Path:
        draft = self._file.with_name(f"{FILE}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        lines = [f"{(k.made_at or datetime.now(UTC)).isoformat()} {base64.b64encode(k.key).decode()}\n" for k in keys]
        with draft.open("w", encoding="ascii") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        return draft


def _line(line: str) -> MasterKey:
    made_at, _, text = line.partition(" ")
    return master_key(parse(text.strip()).key, datetime.fromisoformat(made_at))


class SessionKeys:
    """Keys by what they belong to: a session's recordings, an export. Blocking: call it from a thread."""

    def __init__(self, engine: Engine, masters: MasterKeys) -> None:
        self._engine = engine
        self.masters = masters

    def get(self, owner: str) -> bytes | None:
        """The key, or None when there is none any more. Raises CannotDecrypt when its master key is not here."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(data_keys.c.master_id, data_keys.c.wrapped).where(data_keys.c.owner_id == owner)
            ).one_or_none()
        return self._unwrap(owner, row.master_id, row.wrapped) if row else None

    def make(self, owner: str) -> bytes:
        """The key, made when there is none."""
        known = self.get(owner)
        if known is not None:
            return known
        master = self.masters.current()
        row = {
            "owner_id": owner,
            "master_id": master.id,
            "wrapped": Seal(master.key, owner).seal(0, os.urandom(KEY_BYTES)),
            "made_at": datetime.now(UTC),
        }
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        with self._engine.begin() as connection:
            connection.execute(insert(data_keys).values(row).on_conflict_do_nothing())
        made = self.get(owner)
        if made is None:
            raise CannotDecrypt("The key was destroyed at the moment it was made.")
        return made

    def destroy(self, owner: str) -> bool:
        """Make everything encrypted with the key unreadable for good; True when there was one."""
        with self._engine.begin() as connection:
            return connection.execute(delete(data_keys).where(data_keys.c.owner_id == owner)).rowcount > 0

    def counts(self) -> dict[str, int]:
        """How many keys each master key wraps, by its id."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(data_keys.c.master_id, func.count().label("n")).group_by(data_keys.c.master_id))
            return {row.master_id: row.n for row in rows}

    def rewrap(self) -> int:
        """Wrap a batch of keys anew with the newest master key, in one transaction; returns how many are left. The keys themselves stay."""
        master = self.masters.current()
        k = data_keys.c
        with self._engine.begin() as connection:
            old = connection.execute(
                select(k.owner_id, k.master_id, k.wrapped).where(k.master_id != master.id).order_by(k.owner_id).limit(BATCH)
            ).all()
            for row in old:
                key = self._unwrap(row.owner_id, row.master_id, row.wrapped)
                self._put(connection, row.owner_id, row.master_id, master, key)
            return connection.scalar(select(func.count()).select_from(data_keys).where(k.master_id != master.id)) or 0

    @staticmethod
    def _put(connection: Connection, owner: str, was: str, master: MasterKey, key: bytes) -> None:
        # One that was destroyed or wrapped anew meanwhile stays as it is.
        changed = {"master_id": master.id, "wrapped": Seal(master.key, owner).seal(0, key)}
        mine = (data_keys.c.owner_id == owner) & (data_keys.c.master_id == was)
        connection.execute(update(data_keys).where(mine).values(changed))

    def _unwrap(self, owner: str, master_id: str, wrapped: bytes) -> bytes:
        key = Seal(self.masters.get(master_id).key, owner).unseal(0, wrapped)
        if key is None:
            raise CannotDecrypt("The key of this recording is damaged, so the recording cannot be decrypted.")
        return key
