"""The documentation is true: generated pages match the code, links lead somewhere, commands exist, settings are known."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import PREFIX, Settings

from . import reference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("name", reference.PAGES)
def test_reference_pages_are_made_from_the_code(name):
    """`make docs` was run after the last change."""
    assert reference.PAGES[name]() == (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_and_pictures_exist(page):
    """Every relative link leads to a file of the repository."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_named_files_settings_and_commands_exist(page):
    """`bridge/…` paths, `PREPKIT_…` names, `prepkit …` and `make …` commands in the text are real."""
    text = page.read_text(encoding="utf-8")
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    paths = re.findall(r"`((?:bridge|pipeline|reporting|storage|web|tests|docs)/[\w./-]+)`", text)
    commands = set(re.findall(r"(?:^|`|/)prepkit ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    known = subprocess.run([sys.executable, "-m", "web", "--help"], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert [] == [path for path in paths if not (ROOT / path).exists()]
    assert set() == {name for name in re.findall(r"PREPKIT_[A-Z_]+", text) if name not in settings and not name.endswith("_FILE")}
    assert set() == {command for command in commands if not re.search(rf"^  {command}\b", known, re.MULTILINE)}
    assert set() == {target for target in targets if f"\n{target}:" not in (ROOT / "Makefile").read_text()}


def test_help_is_quick():
    """Contract §2: `prepkit --help` answers in under 0.5 s of CPU; heavy imports stay inside the commands."""
    script = (
        "import resource, web.cli, sys; print([m for m in ('pipecat', 'sqlalchemy', 'aiohttp', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)

    assert "[]" == run.stdout.strip()
