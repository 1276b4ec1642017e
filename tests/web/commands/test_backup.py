"""`prepkit backup` and `restore`: a live server's data, copied and put back with equal rows (F16, R-133)."""

import io
import json
import os
import sqlite3
import tarfile
import threading
from contextlib import closing

import pytest
from click.testing import CliRunner

from bridge.config import Settings
from bridge.errors import SettingsError
from storage.database import Database
from storage.migrate import migrate
from storage.process_lock import ProcessLock
from storage.recordings import FolderRecordings
from tests.postgres import postgres_server
from tests.storage import samples
from web.cli import main
from web.commands import backup
from web.privacy import keys_of

__all__ = ["postgres_server"]  # a fixture

WORDS = "kept-words-of-a-candidate"


@pytest.fixture
async def settings(tmp_path):
    """A data folder with an interview, a recording and a key."""
    settings = Settings(data_dir=tmp_path / "data")
    await filled(settings)
    return settings


async def filled(settings):
    """One interview, its recording, a key."""
    await migrate(settings.database)
    database = await Database.open(settings.database)
    session = await samples.stored(database)
    recording = FolderRecordings(settings.recordings, keys_of(settings, database)).open(session.id)
    recording.append(WORDS.encode() * 100)
    recording.close()
    await database.close()
    keys = settings.data_dir / "keys"
    (keys / "vapi-webhook-secret").write_text("a-secret")


def contents(folder):
    """Everything that matters, by name."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "prepkit.db" not in p.name}
    with closing(sqlite3.connect(folder / "prepkit.db")) as connection:
        rows = {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    return files, rows


async def test_a_backup_restores_to_equal_rows_and_files(settings, tmp_path):
    """Every row, recording and key, in an empty folder on another machine."""
    backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")

    manifest = await backup.restore(elsewhere, tmp_path / "b.tar", os.environ, replace=False)

    assert contents(elsewhere.data_dir) == contents(settings.data_dir)
    assert manifest.rows["interview_sessions"] == 1
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


async def test_rows_written_meanwhile_are_in_it_whole_or_not_at_all(settings, tmp_path):
    """F16: somebody writes two rows a transaction while the copy is made: the copy has an even number."""
    stop = threading.Event()

    def write():
        with closing(sqlite3.connect(settings.data_dir / "prepkit.db", timeout=30, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE pairs (n INTEGER)")
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pairs VALUES (1)")
                connection.execute("INSERT INTO pairs VALUES (2)")
                connection.execute("COMMIT")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [backup.make(settings, tmp_path / f"{n}.tar", os.environ, keys=True).rows.get("pairs", 0) for n in range(4)]
    finally:
        stop.set()
        writer.join()

    assert [count % 2 for count in counts] == [0, 0, 0, 0]
    assert counts == sorted(counts)


async def test_on_postgresql_too(postgres_server, tmp_path):
    """The same by PostgreSQL's own tools, on one snapshot, into another database."""
    names = [postgres_server.create(), postgres_server.create()]
    try:
        first, second = (
            Settings(data_dir=tmp_path / str(i), database_url=postgres_server.url(name)) for i, name in enumerate(names)
        )
        await filled(first)
        backup.make(first, tmp_path / "b.tar", os.environ, keys=True)
        restored = await backup.restore(second, tmp_path / "b.tar", os.environ, replace=False)
        with pytest.raises(SettingsError, match="--replace"):
            await backup.restore(second, tmp_path / "b.tar", os.environ, replace=False)
        again = await backup.restore(second, tmp_path / "b.tar", os.environ, replace=True)
        database = await Database.open(second.database)
        await database.ping()
        await database.close()
    finally:
        for name in names:
            postgres_server.drop(name)

    assert restored.rows == again.rows
    assert restored.rows["public.interview_sessions"] == 1


async def test_what_is_there_is_not_overwritten_unasked(settings, tmp_path):
    """Neither a backup file nor data; with --replace the backup's take its place."""
    backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    before = contents(settings.data_dir)
    with pytest.raises(SettingsError, match="exists already"):
        backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    with pytest.raises(SettingsError, match="--replace"):
        await backup.restore(settings, tmp_path / "b.tar", os.environ, replace=False)
    assert contents(settings.data_dir) == before

    next(settings.recordings.iterdir()).write_bytes(b"spoilt")
    with closing(sqlite3.connect(settings.data_dir / "prepkit.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM interview_questions")
    await backup.restore(settings, tmp_path / "b.tar", os.environ, replace=True)

    assert contents(settings.data_dir) == before


async def test_a_running_server_keeps_its_data(settings, tmp_path):
    """Restoring under a live server would lose what it writes next."""
    backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    lock = ProcessLock(settings.data_dir / "prepkit.db.jobs-lock")
    lock.take()
    try:
        with pytest.raises(SettingsError, match="Stop it first"):
            await backup.restore(settings, tmp_path / "b.tar", os.environ, replace=True)
    finally:
        lock.release()


def altered(source, target, change):
    """The archive with its members changed: `change(name, content)` → [(name, content)]."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for entry in old:
            for name, content in change(entry.name, old.extractfile(entry).read()):
                made = tarfile.TarInfo(name)
                made.size = len(content)
                new.addfile(made, io.BytesIO(content))


CHANGES = {
    "a byte of the database": lambda name, content: [
        (name, content[:5000] + b"!" + content[5001:] if name == "prepkit.db" else content)
    ],
    "a recording left out": lambda name, content: [] if name.startswith("recordings/") else [(name, content)],
    "a file more": lambda name, content: (
        [("recordings/more.wav", b"x"), (name, content)] if name == "prepkit.db" else [(name, content)]
    ),
    "a way out of the folder": lambda name, content: [("recordings/../../out", b"x"), (name, content)],
    "an absolute name": lambda name, content: [("/etc/out", b"x"), (name, content)],
    "no list": lambda name, content: [] if name == "manifest.json" else [(name, content)],
    "a list of something else": lambda name, content: [(name, b"[" * 5000 if name == "manifest.json" else content)],
    "another count of rows": lambda name, content: [
        (name, content.replace(b'"interview_sessions": 1', b'"interview_sessions": 2'))
        if name == "manifest.json"
        else (name, content)
    ],
    "twice the same": lambda name, content: [(name, content), (name, content)],
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_changed_archive_is_refused(settings, tmp_path, what):
    """One sentence, and nothing is left in place of the data that was to be restored."""
    backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    altered(tmp_path / "b.tar", tmp_path / "c.tar", CHANGES[what])
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")

    with pytest.raises(SettingsError):
        await backup.restore(elsewhere, tmp_path / "c.tar", os.environ, replace=False)

    assert not (tmp_path / "out").exists()
    assert [p.name for p in elsewhere.data_dir.iterdir() if not p.name.endswith("jobs-lock")] in ([], ["prepkit.db"])


async def test_links_and_truncated_archives_are_refused(settings, tmp_path):
    """No symbolic link is ever followed out of the archive, and half a file is none."""
    backup.make(settings, tmp_path / "b.tar", os.environ, keys=True)
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        entry = tarfile.TarInfo("recordings/a.wav")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    (tmp_path / "half.tar").write_bytes((tmp_path / "b.tar").read_bytes()[:20_000])
    (tmp_path / "text.tar").write_text("no archive")

    for name in ("link", "half", "text"):
        with pytest.raises(SettingsError):
            await backup.restore(Settings(data_dir=tmp_path / name), tmp_path / f"{name}.tar", os.environ, replace=False)


async def test_keys_stay_out_when_asked(settings, tmp_path):
    """A backup without them, which says so."""
    manifest = backup.make(settings, tmp_path / "b.tar", os.environ, keys=False)

    with tarfile.open(tmp_path / "b.tar") as archive:
        assert not [name for name in archive.getnames() if name.startswith("keys")]
    assert "without keys" in backup.summary(manifest)


def test_the_commands_say_what_they_did(tmp_path):
    """Backup, restore, and a refusal in one sentence, as the terminal shows them."""
    run = CliRunner()
    environ = {"PREPKIT_DATA_DIR": str(tmp_path / "data")}
    empty = run.invoke(main, ["backup", str(tmp_path / "b.tar")], env=environ)
    run.invoke(main, ["migrate"], env=environ)
    made = run.invoke(main, ["backup", str(tmp_path / "b.tar")], env=environ)
    restored = run.invoke(main, ["restore", str(tmp_path / "b.tar")], env={"PREPKIT_DATA_DIR": str(tmp_path / "other")})
    refused = run.invoke(main, ["restore", str(tmp_path / "b.tar")], env=environ)

    assert (empty.exit_code, made.exit_code, restored.exit_code, refused.exit_code) == (1, 0, 0, 1)
    assert "nothing to back up" in empty.output
    assert "0 recordings" in made.output
    assert "--replace" in refused.output
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert json.loads(archive.extractfile("manifest.json").read())["format"] == 1
