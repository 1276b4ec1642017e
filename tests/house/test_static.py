"""A19: what a static check finds of high severity is mended or not there."""

import json
import subprocess
import sys
from pathlib import Path

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
