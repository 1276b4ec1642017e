"""`prepkit user …`: every command on a real database, from an account's first day to its last (R-002, R-135, C-37, A4, A17)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.clients.argon2 import Argon2Hasher
from bridge.domain.account import Role, Scope
from bridge.usecases import sign_in
from bridge.usecases.sign_in import Caller
from storage.database import Database

ROOT = Path(__file__).parents[3]
ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = "a long enough pass phrase"
COMMANDS = """
import json, sys
from click.testing import CliRunner
from web.cli import main

def run(call):
    done = CliRunner().invoke(main, ["user", *call["arguments"]], input=call["typed"], env=call["environ"])
    return [done.exit_code, done.stdout, done.stderr]

print(json.dumps([run(call) for call in json.load(sys.stdin)]))
"""
"""All of them in one process, which is what takes the time."""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    error: str


def user(folder: Path, *calls: tuple[str, ...], typed: str = "", **environ: str) -> list[Said]:
    """Run commands one after the other, each with the same standard input."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREPKIT_")}
    asked = [{"arguments": call, "typed": typed, "environ": {"PREPKIT_DATA_DIR": str(folder), **environ}} for call in calls]
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS], input=json.dumps(asked), capture_output=True, text=True, check=True, env=clean, cwd=ROOT, timeout=120,
    )  # fmt: skip
    return [Said(*answer) for answer in json.loads(done.stdout)]


async def test_an_account_from_its_first_day_to_its_last(tmp_path: Path) -> None:
    """R-002, R-135: made with a password and a role, seen in the list, given a token, an invitation and credit, closed and opened again; all is noted."""
    added, listed, token, invitation, credited = user(
        tmp_path,
        ("add", ADA, "--role", "operator", "--password-stdin"),
        ("list",),
        ("token", ADA, "--scope", "read", "--days", "3"),
        ("invite", "--role", "reviewer", "--places", "2", "--days", "3", "--note", "spring"),
        ("credit", ADA, "3", "--note", "welcome"),
        typed=f"{PASSWORD}\r\n",
        PREPKIT_PAYMENTS="credits",
    )
    assert Said(0, f"{ADA} has the role operator now.\n", "") == added
    assert (0, [ADA, "operator", f"{datetime.now(UTC):%Y-%m-%d}"]) == (listed.code, listed.out.split())
    assert (0, 1, 0, 1) == (token.code, len(token.out.split()), invitation.code, len(invitation.out.split())), "alone, for a pipe"
    assert Said(0, f"{ADA} has 3 credits.\n", "") == credited

    now = datetime.now(UTC)
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'prepkit.db'}")
    try:
        hasher, browser = Argon2Hasher(), Caller("test")
        assert Role.OPERATOR is (await sign_in.by_password(database, hasher, ADA, PASSWORD, browser, now)).account.role
        person = await sign_in.by_api_token(database, token.out.strip(), now)
        assert person is not None
        assert frozenset({Scope.READ}) == person.scopes
        made = await sign_in.register(
            database, hasher, email=BOB, password=PASSWORD, name="Bob", invite=invitation.out.strip(), caller=browser, now=now
        )
        assert Role.REVIEWER is made.account.role

        changed, closed, refused, seen = user(tmp_path, ("role", ADA, "candidate"), ("disable", ADA), ("token", ADA), ("list",))
        assert Said(0, f"{ADA} has the role candidate now.\n", "") == changed
        assert Said(0, f"{ADA} is closed now.\n", "") == closed
        assert Said(1, "", "Error: This account is closed.\n") == refused
        assert 1 == seen.out.count("closed")
        assert None is await sign_in.by_api_token(database, token.out.strip(), now)
        (opened,) = user(tmp_path, ("enable", ADA))
        assert Said(0, f"{ADA} is open now.\n", "") == opened
        async with database.read() as tx:
            account = await tx.account_by_email(ADA)
            assert account is not None
            assert (Role.CANDIDATE, None) == (account.role, account.disabled_at)
            noted = [line.action for line in await tx.audit_trail(subject=account.id)]
    finally:
        await database.close()
    assert {"account.add", "account.role", "account.close", "account.open", "credit.granted"} <= set(noted)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("prepkit.db*"))
    for secret in (PASSWORD, token.out.strip(), invitation.out.strip()):
        assert secret.encode() not in kept


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path) -> None:
    """C-37: an address that is none, one twice, nobody, a weak password, a role that is none, credit without prices: nothing changes, no traceback."""
    made, *refused, listed = user(
        tmp_path,
        ("add", ADA),
        ("add", ADA),
        ("add", "nonsense"),
        ("add", BOB, "--password-stdin"),
        ("role", BOB, "admin"),
        ("disable", BOB),
        ("token", BOB),
        ("credit", ADA, "3"),
        ("role", ADA, "emperor"),
        ("invite", "--places", "0"),
        ("list",),
        typed="short\n",
    )
    assert 0 == made.code
    assert [
        "There is an account with this address already.",
        "This is not an e-mail address.",
        "Take at least 8 characters; 15 or more are better.",
        *[f"There is no account {BOB}."] * 3,
        "Nothing has a price on this server: set PREPKIT_PAYMENTS first.",
    ] == [said.error.removeprefix("Error: ").removesuffix("\n") for said in refused[:-2]]
    assert [1] * 7 + [2] * 2 == [said.code for said in refused]
    assert [""] * len(refused) == [said.out for said in refused]
    assert [ADA, "candidate"] == listed.out.split()[:2]
    assert 1 == len(listed.out.splitlines())
