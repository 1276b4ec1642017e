"""A private PostgreSQL for the tests: own data folder, own unix socket, no network, gone afterwards.

Uses the server binaries of this machine (Debian's, or those on PATH); without them the tests that need it skip and say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

PORT = 54329
"""Part of the socket's file name only: nothing listens on the network."""
_FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", f"port={PORT}"]


class PostgresServer:
    """A running server, made with `initdb` in a temporary folder."""

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        """`durable`: what was committed survives `restart`."""
        self._binaries = binaries
        self._settings = [setting for setting in _FAST if not durable or setting != "synchronous_commit=off"]
        self._folder = Path(tempfile.mkdtemp(prefix="prepkit-pg-"))
        self._as_user: dict[str, str | int] = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid}

    def start(self) -> None:
        """Make the data folder and wait until the server answers."""
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "prepkit", "-E", "UTF8", "--locale=C", "--no-sync")
        options = " ".join(f"-c {setting}" for setting in [*self._settings, f"unix_socket_directories={self._folder}"])
        self._run("pg_ctl", "-D", str(data), "-l", str(self._folder / "log"), "-w", "-o", options, "start")

    def restart(self, *, away_seconds: float = 0.0) -> None:
        """As after a power cut: nobody is asked to leave, and the log is replayed; `away_seconds` pass in between."""
        data = str(self._folder / "data")
        self._run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        time.sleep(away_seconds)
        options = " ".join(f"-c {setting}" for setting in [*self._settings, f"unix_socket_directories={self._folder}"])
        self._run("pg_ctl", "-D", data, "-l", str(self._folder / "log"), "-w", "-o", options, "start")

    def stop(self) -> None:
        """End it and remove everything."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, template: str = "template1") -> str:
        """A fresh database, copied from `template`; its name."""
        name = f"test_{uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Remove a database and whoever is still in it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """What `Database.open` takes."""
        return f"postgresql+psycopg://prepkit@/{name}?host={quote(str(self._folder), safe='')}&port={PORT}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), port=PORT, user="prepkit", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._as_user,  # type: ignore[call-overload]
        )


def find_binaries() -> Path | None:
    """The folder that has `initdb` and `pg_ctl`, newest version first."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders = [*debian, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


@contextmanager
def private_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server for as long as this lasts; skips when this machine has none. `durable` as for `PostgresServer`."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries (apt install postgresql, or put initdb on PATH)")
    try:
        server = PostgresServer(binaries, durable=durable)
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres to run it as")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole run."""
    with private_server() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that one test alone may restart; what was committed survives."""
    with private_server(durable=True) as server:
        yield server
