"""A7: no secret is compared with `==`, whose time tells how much of it was right: by the rule in `semgrep/secrets.yaml`."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bridge", "pipeline", "reporting", "storage", "web")
RULES = ROOT / "tests/house/semgrep/secrets.yaml"
SAMPLE = RULES.with_name("sample.py")
NO_GUARD = ("web/standins/", "web/relaybench/", "web/rehearsal/")
"""Stand-ins and benchmarks play others' parts and guard nothing."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Lines that the rule finds, by file; nothing is asked of, or told to, anybody outside."""
    folder = tmp_path_factory.mktemp("semgrep")
    # The rule's own sample is among what is searched; its folder's name would have it passed over.
    sample = folder / SAMPLE.name
    sample.write_text(SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    semgrep = Path(sys.prefix) / "semgrep/bin/semgrep"
    assert semgrep.exists(), "`make test` installs it there"
    run = subprocess.run(
        [semgrep, "scan", "--quiet", "--json", "--metrics=off", "--disable-version-check", "--oss-only", "--no-git-ignore", "--timeout", "0",
         "--config", RULES, *PACKAGES, sample],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": f"{semgrep.parent}:/usr/bin:/bin", "HOME": str(folder), "SEMGREP_SETTINGS_FILE": str(folder / "settings.yml"), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr + run.stdout
    report = json.loads(run.stdout)
    assert report["errors"] == []
    assert {str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("*.py")} < set(
        report["paths"]["scanned"]
    )
    lines: dict[str, list[int]] = defaultdict(list)
    for each in report["results"]:
        lines[each["path"]].append(each["start"]["line"])
    return {path.removeprefix(f"{folder}/"): sorted(set(found)) for path, found in lines.items()}


def test_secrets_are_compared_in_constant_time(found: dict[str, list[int]]) -> None:
    """A7: `==` on secrets 0."""
    assert {path: lines for path, lines in found.items() if not path.startswith((*NO_GUARD, SAMPLE.name))} == {}


def test_the_rule_bites(found: dict[str, list[int]]) -> None:
    """What it is for is found, and nothing else."""
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    wanted = [n + 2 for n, line in enumerate(lines) if line.strip() == "# ruleid: secret-compared-for-equality"]
    assert found[SAMPLE.name] == wanted
    assert len(wanted) == 8
