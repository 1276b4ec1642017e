"""A19: nothing of high severity in the product, and no package below a version with a known hole."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[2]
PACKAGES = ["bridge", "pipeline", "reporting", "storage", "web"]
PLANTED = "import hashlib\nprint(hashlib.md5(b'').hexdigest())\n"


def high(*targets: str | Path) -> list[str]:
    """Bandit's findings of high severity."""
    run = subprocess.run(
        [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", "--exit-zero", "-lll", *targets],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(run.stdout)
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 0
    return [f"{each['filename']}:{each['line_number']} {each['test_id']}" for each in report["results"]]


def test_bandit_finds_nothing_of_high_severity(tmp_path: Path) -> None:
    """A19: 0 in the product, and one where one was planted."""
    planted = tmp_path / "planted.py"
    planted.write_text(PLANTED)

    assert high(*PACKAGES, planted) == [f"{planted}:2 B324"]


def below(floors: dict[str, list[str]], lock: str) -> list[str]:
    """Packages of a lock that are older than their floor, and those of the list that are in no lock: looked at by nobody."""
    locked: dict[str, list[Version]] = {}
    for package in tomllib.loads(lock)["package"]:
        locked.setdefault(package["name"], []).append(Version(package.get("version", "0")))
    gone = [f"{name} is not installed" for name in floors if name not in locked]
    return gone + [f"{name} {v}" for name, (floor, _) in floors.items() for v in locked.get(name, ()) if v < Version(floor)]


def test_no_package_has_a_known_hole() -> None:
    """A19: missing floors 0; each floor names its advisory; an older version and a line about nothing are found."""
    floors = tomllib.loads((ROOT / "tests/house/floors.toml").read_text(encoding="utf-8"))
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")

    assert below(floors, lock) == []
    assert [name for name, (_, hole) in floors.items() if not re.fullmatch(r"CVE-\d{4}-\d{4,}(, CVE-\d{4}-\d{4,})*", hole)] == []
    assert below({"jinja2": ["999", ""], "nobody-s": ["1", ""]}, lock)[0] == "nobody-s is not installed"
    assert len(below({"jinja2": ["999", ""], "nobody-s": ["1", ""]}, lock)) == 2
