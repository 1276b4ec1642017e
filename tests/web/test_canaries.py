"""Secrets and addresses stay where they belong: nothing of them in logs, pages, figures or the database (A13, R-120)."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from .canary_flow import CANARIES, EMAIL, PASSWORD

OWN_ADDRESS = {"POST /api/auth/login"}
"""Beside the pages, whose head says who is signed in, what tells people their own address."""
DECLARED = {"users", "identities", "workflow_input"}
"""Tables that may hold the address: whose it is, by what they sign in, and the job of the letter that was asked for, which is tried until it
goes out; `test_letters` holds that it is forgotten then, and when its account is erased."""


def test_no_secret_and_no_address_gets_out(tmp_path: Path) -> None:
    """A13: every secret setting, a password, an API token and an address planted; a whole flow at DEBUG with everything failing once: hits 0."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.web.canary_flow", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], timeout=200,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3_000:]
    told = json.loads(run.stdout.splitlines()[-1])
    pages: dict[str, str] = told["pages"]
    secrets = [*CANARIES.values(), PASSWORD, *told["made"]]
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert " WARNING " in run.stderr, "what fails is told"
    assert "PrepKit" in pages["GET /"]
    assert [secret for secret in secrets if secret in run.stderr] == []
    assert [(where, secret) for where, text in pages.items() for secret in secrets if secret in text] == []
    assert [(path, secret) for path, data in files.items() for secret in secrets if secret.encode() in data] == []
    assert re.findall(re.escape(EMAIL), run.stderr) == []
    assert [where for where, text in pages.items() if EMAIL in text and "<html" not in text and where not in OWN_ADDRESS] == []
    assert {path.name.split("-")[0] for path, data in files.items() if EMAIL.encode() in data} <= {"prepkit.db"}
    assert tables_with(tmp_path / "prepkit.db", EMAIL) == DECLARED


def tables_with(database: Path, word: str) -> set[str]:
    """Tables with the word in any column."""
    with closing(sqlite3.connect(database)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name for name in names if any(word in str(row) for row in connection.execute(f'SELECT * FROM "{name}"'))}
