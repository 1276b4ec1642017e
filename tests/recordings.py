"""A folder of recordings with keys of its own, for tests that need no whole database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from storage.keys import MasterKeys, SessionKeys
from storage.recordings import FolderRecordings
from storage.tables import data_keys


def keys_in(folder: Path, given: str = "") -> SessionKeys:
    """Keys in memory, under a master key kept in the folder."""
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    data_keys.create(engine)
    return SessionKeys(engine, MasterKeys(folder / "keys", given))


def recordings_in(folder: Path) -> FolderRecordings:
    """Recordings in `folder`."""
    return FolderRecordings(folder, keys_in(folder.parent))
