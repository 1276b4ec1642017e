"""Migrations: they build exactly the tables in `storage.tables`, keep rows, and may be started by anybody at any time."""

import asyncio
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, String, func, inspect, select, text

from bridge.domain.account import Role
from bridge.domain.promotions import CODE_LETTERS
from bridge.errors import SettingsError
from storage import engines
from storage.database import Database
from storage.migrate import config, is_ours, migrate, newest_revision
from storage.tables import metadata

from .samples import cost, delivery, engine_call, said, segment, stored, turn

CODE = """
import asyncio, sys
from storage.migrate import migrate
sys.stdin.readline()
asyncio.run(migrate(sys.argv[1]))
"""


async def test_they_build_exactly_the_tables(database: Database):
    """R-160…R-171: autogenerate finds nothing to add, change or remove."""

    def differences(connection: Connection) -> list[object]:
        options = {"include_name": is_ours, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_they_build_exactly_the_checks(database: Database):
    """R-171: autogenerate does not see CHECK constraints, so their names are compared here."""

    def checks(connection: Connection) -> dict[str, set[str]]:
        seen = inspect(connection)
        return {name: {str(c["name"]) for c in seen.get_check_constraints(name)} for name in metadata.tables}

    async with database.engine.connect() as connection:
        found = await connection.run_sync(checks)

    dialect = database.engine.dialect
    wanted = {
        name: {
            dialect.identifier_preparer.format_constraint(constraint)
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        }
        for name, table in metadata.tables.items()
    }
    assert wanted == found


async def test_migrating_again_changes_nothing(database: Database, database_url: str):
    """R-152: every start may migrate; what is stored stays."""
    made = await stored(database)

    await migrate(database_url)
    await migrate(database_url)

    await database.ping()
    async with database.read() as tx:
        assert made == await tx.session(made.id)


async def test_two_processes_that_start_together(empty_url: str):
    """Contract 1: whoever comes second waits and finds the work done."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CODE, empty_url, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]

    outcomes = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [(process.returncode, errors.decode()) for process, (_, errors) in zip(processes, outcomes, strict=True)] == [
        (0, ""),
        (0, ""),
    ]
    database = await Database.open(empty_url)
    await database.ping()
    await database.close()


async def test_a_newer_database_is_left_alone(database: Database, database_url: str):
    """R-146: a database of a newer version is refused in words."""
    async with database.begin() as tx:
        await tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SettingsError, match="another version"):
        await migrate(database_url)


async def test_changing_a_table_keeps_its_children(sqlite_url: str):
    """R-161: SQLite changes a table by dropping it; no row of a session may go with it."""
    database = await Database.open(sqlite_url)
    made = await stored(database)
    async with database.begin() as tx:
        await tx.append_events(made.id, [(1, said())], turns=[turn()], segments=[segment()])

    def change() -> list[int]:
        engine = engines.migration_engine(engines.parse(sqlite_url))
        with engine.begin() as connection:
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table("interview_sessions", recreate="always") as batch:
                batch.alter_column("engine", type_=String(64), existing_type=String(32), existing_nullable=False)
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            children = ["interview_questions", "session_events", "turns", "transcript_segments"]
            counts = [connection.scalar(select(func.count()).select_from(metadata.tables[name])) for name in children]
        engine.dispose()
        return counts

    assert await asyncio.to_thread(change) == [2, 1, 1, 1]
    async with database.read() as tx:
        assert made == await tx.session(made.id)
    await database.close()


async def test_down_and_up_again(empty_url: str):
    """R-171: every revision can be undone and made again, on both databases."""
    await migrate(empty_url)

    def down() -> set[str]:
        engine = engines.migration_engine(engines.parse(empty_url))
        with engine.begin() as connection:
            chosen = config()
            chosen.attributes["connection"] = connection
            command.downgrade(chosen, "base")
            left = set(inspect(connection).get_table_names())
        engine.dispose()
        return left

    assert not set(metadata.tables) & await asyncio.to_thread(down)
    await migrate(empty_url)
    database = await Database.open(empty_url)
    await database.ping()
    await database.close()


async def test_an_upgrade_keeps_the_interviews(database: Database, database_url: str):
    """R-152, R-171, A3: a database of the first revision comes up with everything that was in it, and a code for everybody to bring others by."""
    made = await stored(database)
    async with database.begin() as tx:
        await tx.append_events(made.id, [(1, said())], turns=[turn()], segments=[segment()])

    def down() -> None:
        engine = engines.migration_engine(engines.parse(database_url))
        with engine.begin() as connection:
            chosen = config()
            chosen.attributes["connection"] = connection
            command.downgrade(chosen, "0001")
            assert "engine_calls" not in inspect(connection).get_table_names()
        engine.dispose()

    await asyncio.to_thread(down)
    with pytest.raises(SettingsError, match="0001"):
        await database.ping()
    await migrate(database_url)

    await database.ping()
    async with database.begin() as tx:
        assert made == await tx.session(made.id)
        owner = await tx.account(made.user_id)
        assert owner is not None
        assert owner.role is Role.ADMIN
        assert CODE_LETTERS == len(await tx.referral_code(made.user_id) or "")
        assert [turn()] == await tx.turns(made.id)
        await tx.add_engine_call(engine_call(made.id))
        assert await tx.add_delivery("vapi", delivery(), made.created_at) == 1
        assert await tx.add_cost(cost(made.id)) is True


async def test_a_folder_that_cannot_be_made(tmp_path: Path):
    """R-146: said in words."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="PREPKIT_DATABASE_URL"):
        await migrate(f"sqlite+aiosqlite:///{tmp_path}/file/prepkit.db")


def test_the_migrations_are_data_of_the_package():
    """Contract 1: found through the package, not through the working folder; the highest number is the one chain's end."""
    folder = Path(str(files("storage"))) / "migrations" / "versions"

    assert newest_revision() == max(path.name[1:5] for path in folder.glob("r*.py"))
    assert ScriptDirectory.from_config(config()).get_heads() == [newest_revision()]
    folder = Path(str(files("storage"))) / "migrations" / "versions"

    assert newest_revision() == max(path.name[1:5] for path in folder.glob("r*.py"))


LOOKS = """
import asyncio, sys
from storage.database import Database
from storage.migrate import migrate
async def start(url):
    await migrate(url)
    database = await Database.open(url)
    await database.ping()
    await database.close()
asyncio.run(start(sys.argv[1]))
print(sorted(name for name in ("alembic", "mako", "pygments") if name in sys.modules))
"""


def test_a_start_with_nothing_to_do_loads_no_migration_tool(tmp_path):
    """Cold start: Alembic and what it brings are loaded when there is something to migrate, and only then."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}"
    said = [
        subprocess.run(
            [sys.executable, "-c", LOOKS, url], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
        ).stdout.strip()
        for _ in range(2)
    ]

    assert "alembic" in said[0]
    assert said[1] == "[]"
