"""Nothing of a person is left on the disk, nothing at the vendor, and the books stay true (P2, R-115)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .erasure_flow import BOOKS, MARK, STRANGER, places

pytestmark = pytest.mark.timeout(400)
PAYER = ("candidate@example.org", "A Candidate")
"""What the provider says of whoever pays, in its events and answers."""


def test_a_person_who_is_named_everywhere_is_erased(tmp_path: Path) -> None:
    """P2: planted in name, address, wishes, transcript, report, names of files, an archive and the log at DEBUG: hits 0; each call erased at the vendor; money kept, unlinked."""
    log = tmp_path / "server.log"
    with log.open("wb") as complaints:
        run = subprocess.run(
            [sys.executable, "-m", "tests.web.erasure_flow", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=complaints, check=False, cwd=Path(__file__).parents[2], timeout=300,
        )  # fmt: skip
    assert run.returncode == 0, log.read_text()[-3_000:]
    told = json.loads(run.stdout.splitlines()[-1])
    before, after = told["before"], told["after"]

    assert {"prepkit.db", "prepkit.db-wal"} & set(before["places"])
    assert "server.log" in told["files"]
    assert {"prepkit.db-wal", "prepkit.db-shm"} <= set(told["files"]), "the database was looked through while it was open"
    assert {" DEBUG ", " WARNING "} <= {word for word in (" DEBUG ", " WARNING ") if word in log.read_text()}
    assert ([], []) == (after["places"], places(tmp_path, MARK))
    assert [name for name in told["files"] if told["session"] in name] == []
    assert told["stranger"] != []
    assert places(tmp_path, STRANGER) != []

    assert "complete" == told["receipt"]["state"]
    assert 3 == len(set(told["calls"]))
    assert sorted(told["calls"]) == sorted(told["erased"])

    unlinked = {
        name: [row | {"user_id": None} if "user_id" in row else row for row in rows] for name, rows in before["books"].items()
    }
    assert all(before["books"][name] for name in (*BOOKS, "events")), "every book has something in it"
    assert unlinked == after["books"]
    kept = json.dumps(after["books"])
    ids = (told["person"], told["person"].replace("-", ""))
    assert [word for word in (*ids, MARK, *PAYER) if word.lower() in kept.lower()] == []
    assert any(person in json.dumps(before["books"]) for person in ids)
