"""Keys of what is encrypted at rest: one a session, wrapped by a master key that can be exchanged while the server runs (R-112, R-120, C-52, P4)."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.config import Settings
from bridge.errors import CannotDecrypt, SettingsError
from storage.database import Database
from storage.keys import FILE, MasterKeys, SessionKeys
from storage.migrate import migrate
from storage.recordings import FolderRecordings
from web.privacy import keys_of

from ..recordings import keys_in
from .killed import working


def test_a_thousand_keys_are_wrapped_anew_while_they_are_read(tmp_path: Path):
    """P4, C-52: batch by batch, every key gives what it gave at every moment, a new one made meanwhile too; then the old master key is not needed."""
    keys = keys_in(tmp_path)
    owners = [str(uuid4()) for _ in range(1_000)]
    before = {owner: keys.make(owner) for owner in owners}
    old = keys.masters.current().id
    server = SessionKeys(keys._engine, MasterKeys(tmp_path / "keys"))
    assert server.get(owners[0]) == before[owners[0]]

    keys.masters.add()
    left, rounds = 1_000, 0
    while left:
        left, rounds = keys.rewrap(), rounds + 1
        assert all(server.get(owner) == before[owner] for owner in owners[rounds::97])
    late = server.make(str(uuid4()))
    keys.masters.forget(old)

    assert rounds == 5
    assert len(late) == 32
    fresh = SessionKeys(keys._engine, MasterKeys(tmp_path / "keys"))
    assert {owner: fresh.get(owner) for owner in owners} == before
    assert list(fresh.counts()) == [keys.masters.current().id]


async def test_a_rotation_of_a_thousand_sessions_killed_ten_times(tmp_path: Path):
    """P4: SIGKILL before and after the commit of each of five batches; a server reads every key all the while, and the next run ends the rotation."""
    settings = Settings(data_dir=tmp_path)
    await migrate(settings.database)
    database = await Database.open(settings.database)
    keys = keys_of(settings, database)
    owners = [str(uuid4()) for _ in range(1_000)]
    before = await asyncio.to_thread(lambda: {owner: keys.make(owner) for owner in owners})
    reads, over = 0, False

    async def read() -> None:
        nonlocal reads
        while not over:
            owner = owners[reads * 7 % 1_000]
            assert before[owner] == await asyncio.to_thread(keys.get, owner)
            reads += 1

    reading = asyncio.create_task(read())
    try:
        async with working() as work:
            for instant in range(1, 11):
                assert await work("rotation", instant, folder=str(tmp_path)) == -9
            assert await work("rotation", 0, folder=str(tmp_path)) == 0
        over = True
        await reading
        assert reads > 1_000
        assert await asyncio.to_thread(lambda: {owner: keys.get(owner) for owner in owners}) == before
        assert list(keys.counts().values()) == [1_000]
        assert [master.id for master in MasterKeys(tmp_path / "keys").all()] == list(keys.counts())
    finally:
        reading.cancel()
        await database.close()


def test_without_its_master_key_a_recording_says_so(tmp_path: Path):
    """P4: a clear error that names the missing key, for reading and for writing; with the key behind a newer one all is well again."""
    first, second = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    keys, session_id = keys_in(tmp_path, first), str(uuid4())
    FolderRecordings(tmp_path / "r", keys).open(session_id).close()
    wrong = FolderRecordings(tmp_path / "r", SessionKeys(keys._engine, MasterKeys(tmp_path / "keys", second)))

    for act in (wrong.find, wrong.open):
        with pytest.raises(CannotDecrypt, match=keys.masters.current().id):
            act(session_id)

    both = FolderRecordings(tmp_path / "r", SessionKeys(keys._engine, MasterKeys(tmp_path / "keys", f"{second}, {first}")))
    assert both.find(session_id) is not None


@pytest.mark.parametrize("bad", ["short", "x" * 44, base64.b64encode(b"1" * 31).decode(), "zz" * 32])
def test_a_master_key_that_is_none_is_refused(tmp_path: Path, bad: str):
    """R-146: at the start, naming the setting and not the key."""
    with pytest.raises(SettingsError, match="PREPKIT_MASTER_KEY") as refused:
        MasterKeys(tmp_path, bad)
    assert bad not in str(refused.value)


def test_processes_that_start_together_have_one_key(tmp_path: Path):
    """C-52: whoever comes first makes it; it is for its owner's eyes alone."""
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(MasterKeys(tmp_path).current().id)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(found)) == 1
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


async def test_keys_on_both_databases(database: Database, tmp_path: Path):
    """R-112: made once, the same for whoever asks, gone when destroyed; no key is in the database in the open."""
    keys, owner = SessionKeys(database.jobs_engine, MasterKeys(tmp_path / "keys")), str(uuid4())
    made = keys.make(owner)

    assert made == keys.make(owner) == keys.get(owner)
    assert keys.rewrap() == 0
    assert keys.destroy(owner)
    assert not keys.destroy(owner)
    assert keys.get(owner) is None
