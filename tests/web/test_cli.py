"""The command line answers quickly and in sentences (contract §2)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("serve", "demo", "rehearse", "migrate", "doctor", "bench", "standin")


def prepkit(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREPKIT_")} | environ
    command = [sys.executable, "-m", "web", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def test_help_is_quick_and_names_every_command() -> None:
    """Under half a second of CPU: nothing heavy is imported for it."""
    before = os.times()
    done = prepkit("--help")
    after = os.times()

    assert 0 == done.returncode
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert 0.5 > after.children_user - before.children_user + after.children_system - before.children_system


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Help without a settings file, a database or a voice."""
    done = prepkit(command, "--help")

    assert (0, "") == (done.returncode, done.stderr)
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_the_rehearsal_says_honestly_who_answers() -> None:
    """The prepared candidate knows the answers; its score proves machinery, not skill."""
    said = " ".join(prepkit("rehearse", "--help").stdout.split())

    assert "a prepared candidate" in said
    assert "not how good anybody is" in said


@pytest.mark.parametrize(
    "arguments", [("rehearse", "a.wav"), ("rehearse", "--audio", "none.wav"), ("rehearse", "--voice", "siri")]
)
def test_bad_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    """Before anything is started."""
    done = prepkit(*arguments)

    assert 2 == done.returncode
    assert "Error: " in done.stderr


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    """No traceback, exit 1."""
    done = prepkit("migrate", PREPKIT_DATA_DIR=str(tmp_path), PREPKIT_PORTS="1")

    assert (1, "Error: There is no setting PREPKIT_PORTS. Did you mean PREPKIT_PORT?\n") == (done.returncode, done.stderr)


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    """And says so."""
    done = prepkit("migrate", PREPKIT_DATA_DIR=str(tmp_path))

    assert (0, "The database is at the newest version.\n") == (done.returncode, done.stdout)
    assert (tmp_path / "prepkit.db").exists()
