"""`prepkit backup` and `prepkit restore`: one archive of everything, made while the server runs, and checked before it is put in place.

The archive is a tar file: the database's copy, the recordings of the folder, the keys, and last `manifest.json` with the SHA-256 of each and the rows of each table. A recording that
still grows is taken as long as it is; its header is mended when it is opened. Recordings in a bucket stay there. Read next: `storage.backup`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge import __version__
from bridge.config import Settings
from bridge.errors import SettingsError
from storage import backup as databases
from storage import engines
from storage.migrate import migrate
from storage.process_lock import ProcessLock

MANIFEST = "manifest.json"
FOLDERS = ("recordings", "keys")
CHUNK = 1 << 20
MAX_MANIFEST_BYTES = 64 << 20


class Manifest(BaseModel):
    """What an archive holds."""

    model_config = ConfigDict(extra="ignore", strict=True)

    format: int = 1
    version: str
    """Of the program that made it."""
    created_at: str
    database: str
    """Name of the database's copy."""
    rows: dict[str, int]
    files: dict[str, str]
    """SHA-256 by name in the archive."""
    with_keys: bool
    bucket: str = ""
    """Where other recordings lie, which are not in the archive."""


def make(settings: Settings, target: Path, environ: Mapping[str, str], *, keys: bool) -> Manifest:
    """Write the archive; it appears under its name when it is whole. Raises SettingsError."""
    url = engines.parse(settings.database)
    if target.exists():
        raise SettingsError(f"{target.name} exists already; a backup never overwrites another.")
    draft = target.with_name(f".{target.name}.part")
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent) as folder,
            _new(draft) as file,
            tarfile.open(fileobj=file, mode="w") as archive,
        ):
            copy = Path(folder) / databases.name_of(url)
            rows = databases.copy_database(url, copy, environ)
            digests = {copy.name: _add(archive, copy.name, copy)}
            # After the database: a recording that is in it is here too.
            for name, source in _files(settings, keys=keys):
                try:
                    digests[name] = _add(archive, name, source)
                except FileNotFoundError:
                    # Deleted in this very moment, as its interview was.
                    continue
            manifest = Manifest(
                version=__version__, created_at=datetime.now(UTC).isoformat(timespec="seconds"), database=copy.name, rows=rows, files=digests, with_keys=keys, bucket=str(settings.bucket or "")
            )  # fmt: skip
            _add_bytes(archive, MANIFEST, manifest.model_dump_json(indent=1).encode())
        draft.replace(target)
    except OSError as error:
        raise SettingsError(f"The backup cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _files(settings: Settings, *, keys: bool) -> list[tuple[str, Path]]:
    """(name in the archive, file) of recordings and keys."""
    folders = {"recordings": settings.recordings, **({"keys": settings.data_dir / "keys"} if keys else {})}
    return [
        (f"{name}/{path.relative_to(folder).as_posix()}", path)
        for name, folder in folders.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.endswith(".part")
    ]


class _Digesting(io.RawIOBase):
    """A file's first `size` bytes, counted and hashed as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _add(archive: tarfile.TarFile, name: str, source: Path) -> str:
    with source.open("rb") as file:
        entry = tarfile.TarInfo(name)
        found = os.fstat(file.fileno())
        entry.size, entry.mtime, entry.mode = found.st_size, int(found.st_mtime), 0o600
        reader = _Digesting(file)
        archive.addfile(entry, reader)
        return reader.digest.hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


async def restore(settings: Settings, source: Path, environ: Mapping[str, str], *, replace: bool) -> Manifest:
    """Check the archive as a whole, then put it in place and bring it to this version's tables. Raises SettingsError; until all is checked nothing is touched."""
    url = engines.parse(settings.database)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (
        ProcessLock(engines.file_of(url).with_name(f"{engines.file_of(url).name}.jobs-lock")) if engines.is_sqlite(url) else None
    )
    if lock:
        lock.take()
    try:
        # On the same file system, so that putting in place is renaming.
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as folder:
            manifest = unpack(source, Path(folder))
            if manifest.database != databases.name_of(url):
                raise SettingsError(
                    "The backup is of the other kind of database (SQLite or PostgreSQL); set PREPKIT_DATABASE_URL to the same kind."
                )
            places = {"recordings": settings.recordings, "keys": settings.data_dir / "keys"}
            _refuse_to_overwrite(Path(folder), places, replace=replace)
            rows = databases.restore_database(url, Path(folder) / manifest.database, environ, replace=replace)
            if rows != manifest.rows:
                raise SettingsError("The restored database does not hold the rows that the backup names.")
            for name, place in places.items():
                _put(Path(folder) / name, place)
        await migrate(settings.database)
    finally:
        if lock:
            lock.release()
    return manifest


def unpack(source: Path, folder: Path) -> Manifest:
    """Take an archive apart into a folder, refusing whatever `make` would not have written. Raises SettingsError."""
    digests: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source, "r:") as archive:
            for entry in archive:
                if manifest is not None or not entry.isreg() or not _is_ours(entry.name) or entry.name in digests:
                    raise SettingsError(f"{source.name} is not a backup of this program, or was changed.")
                content = archive.extractfile(entry)
                assert content is not None
                if entry.name == MANIFEST:
                    manifest = _manifest(content.read(MAX_MANIFEST_BYTES), source.name)
                else:
                    digests[entry.name] = _write(content, folder / entry.name)
    except (tarfile.TarError, OSError) as error:
        raise SettingsError(f"{source.name} cannot be read as a backup ({type(error).__name__}).") from error
    if manifest is None:
        raise SettingsError(f"{source.name} is cut short: its list of contents is missing.")
    if digests != manifest.files:
        raise SettingsError(f"{source.name} is damaged: its files are not those that were backed up.")
    return manifest


def _is_ours(name: str) -> bool:
    """The names that a backup may hold; none leads out of the folder."""
    parts = name.split("/")
    if len(parts) == 1:
        return name in (MANIFEST, databases.SQLITE_NAME, databases.POSTGRES_NAME)
    return parts[0] in FOLDERS and all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts)


def _manifest(content: bytes, name: str) -> Manifest:
    try:
        found: Any = json.loads(content)
        return Manifest.model_validate(found)
    except (ValueError, RecursionError, ValidationError) as error:
        raise SettingsError(f"{name}: its list of contents cannot be read.") from error


def _write(content: IO[bytes], target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    with _new(target) as file:
        while piece := content.read(CHUNK):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _refuse_to_overwrite(folder: Path, places: Mapping[str, Path], *, replace: bool) -> None:
    there = [name for name, place in places.items() if (folder / name).exists() and place.exists() and any(place.iterdir())]
    if there and not replace:
        raise SettingsError(f"There are {' and '.join(there)} already. Use --replace to put the backup's in their place.")


def _put(source: Path, place: Path) -> None:
    """The backup's folder in the place of ours; one that the backup does not have stays."""
    if not source.exists():
        return
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(source, place)


def summary(manifest: Manifest) -> str:
    """What it holds, for a person."""
    recordings = sum(name.startswith("recordings/") for name in manifest.files)
    keys = "keys included: keep it as safe as the server" if manifest.with_keys else "without keys"
    there = (
        f" Recordings in {manifest.bucket} are not in it: they stay there, and this holds their keys." if manifest.bucket else ""
    )
    waiting = " that were not carried up yet" if manifest.bucket else ""
    return (
        f"{sum(manifest.rows.values()):,} rows in {len(manifest.rows)} tables, {recordings} recordings{waiting}, {keys}.{there}"
    )
