"""`prepkit doctor` says in words what is wrong, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import config
from bridge.config import load
from web.commands import doctor
from web.standins.gemini import GeminiStandin

HOME = Path(doctor.__file__).parents[2]
OURS = {name: ["prepkit-voice-bridge"] for name in doctor.PACKAGES}


async def test_a_sound_machine_has_nothing_broken(tmp_path: Path) -> None:
    """Nothing is made, not even the data folder."""
    findings = await doctor.look({"PREPKIT_DATA_DIR": str(tmp_path / "data"), "PREPKIT_PORT": "0"})

    assert [] == [finding for finding in findings if finding.ok is False]
    assert [] == list(tmp_path.iterdir())


async def test_a_wrong_setting_is_named_with_its_neighbour(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, one sentence."""
    assert 1 == await doctor.examine({"PREPKIT_PROT": "80"}, None)
    assert "✗ settings     There is no setting PREPKIT_PROT. Did you mean PREPKIT_PORT?" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_said() -> None:
    """With the setting that changes it."""
    finding = doctor.data_folder(Path("/proc/prepkit"))

    assert finding.ok is False
    assert "PREPKIT_DATA_DIR" in finding.says


async def test_a_database_without_our_tables_is_said(tmp_path: Path) -> None:
    """And what to run."""
    (tmp_path / "prepkit.db").touch()

    finding = await doctor.database(load({"PREPKIT_DATA_DIR": str(tmp_path)}))

    assert finding.ok is False
    assert "prepkit migrate" in finding.says


@pytest.mark.parametrize(
    ("owners", "ok"),
    [(OURS, True), ({}, True), (OURS | {"web": ["prepkit-voice-bridge", "web.py"]}, False), ({"storage": ["storage"]}, False)],
)
def test_a_name_that_somebody_else_owns_too_is_said(owners: dict[str, list[str]], ok: bool) -> None:
    """An editable install owns no files, which is fine; another distribution's `web` overwrites ours without a word."""
    (finding,) = doctor.packages(owners, HOME)

    assert ok is finding.ok
    assert ok or "also installed by" in finding.says


def test_packages_from_elsewhere_are_said(tmp_path: Path) -> None:
    """The files that would be imported are not those beside this program."""
    (finding,) = doctor.packages(OURS, tmp_path)

    assert finding.ok is False


async def test_a_port_in_use_is_said(unused_tcp_port: int) -> None:
    """With the setting that changes it."""
    settings = load({"PREPKIT_PORT": str(unused_tcp_port)})
    held = doctor.listen(settings)
    held.listen()
    try:
        finding = await doctor.port(settings)
    finally:
        held.close()

    assert finding.ok is False
    assert "PREPKIT_PORT" in finding.says


@pytest.mark.parametrize(
    ("scheme", "host", "ok"),
    [("http", "127.0.0.1", True), ("http", "localhost", True), ("https", "prep.example", True), ("http", "prep.example", False)],
)
def test_a_missing_microphone_is_explained(scheme: str, host: str, ok: bool) -> None:
    """R-041: browsers give no microphone on plain http from another machine."""
    assert ok is doctor.microphone(scheme, host).ok


async def test_a_server_that_is_not_there_is_said(unused_tcp_port: int) -> None:
    """`--url` with nobody behind it."""
    findings = await doctor.look_at(f"http://127.0.0.1:{unused_tcp_port}")

    assert [("microphone", True), ("alive", False)] == [(finding.name, finding.ok) for finding in findings]


async def test_an_address_that_is_none_is_said() -> None:
    """`--url` without http."""
    assert [False] == [finding.ok for finding in await doctor.look_at("127.0.0.1:8080")]


@pytest.fixture
async def gemini():
    """A strict stand-in."""
    async with GeminiStandin() as up:
        yield up


async def gemini_findings(gemini: GeminiStandin, **changes: str) -> list[doctor.Finding]:
    """What is said of Gemini with these settings."""
    return await doctor.gemini(load({"GEMINI_API_KEY": "test-key", "GEMINI_BASE_URL": gemini.url} | changes))


async def test_gemini_is_asked_once_for_each_model(gemini: GeminiStandin) -> None:
    """Two models by default, two tiny calls, and what each is for; without a key nothing is said."""
    findings = await gemini_findings(gemini)

    assert [True, True] == [finding.ok for finding in findings]
    assert "gemini-3.8-flash answers in" in findings[0].says
    assert findings[0].says.endswith("for questions and report.")
    assert max(call.spent.prompt + call.spent.output for call in gemini.requests) < 100
    assert [] == await doctor.gemini(load({}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"GEMINI_API_KEY": "wrong"}, "does not accept the key"),
        (
            {"PREPKIT_GEMINI_MODEL_LIVE": "gemini-9-guess"},
            "does not know the model gemini-9-guess. Set PREPKIT_GEMINI_MODEL_LIVE",
        ),
        ({"PREPKIT_GEMINI_THINKING_REPORT": "minimal"}, "look at PREPKIT_GEMINI_MODEL_REPORT"),
        ({"GEMINI_BASE_URL": "http://127.0.0.1:9"}, "GEMINI_BASE_URL"),
    ],
)
async def test_what_is_wrong_with_gemini_is_said(gemini: GeminiStandin, changes: dict[str, str], words: str) -> None:
    """A wrong key, model or setting, with the name of what to change; a wrong key is said once."""
    broken = [finding for finding in await gemini_findings(gemini, **changes) if finding.ok is False]

    assert len(broken) == 1
    assert words in broken[0].says


async def test_no_quota_is_said_and_a_busy_model_is_no_fault(gemini: GeminiStandin) -> None:
    """Quota is the operator's to mend, an overload passes."""
    gemini.faults.add("429", daily=True)
    gemini.faults.add("503", count=None)
    quota, busy = await gemini_findings(gemini)

    assert (False, None) == (quota.ok, busy.ok)
    assert "no quota left for gemini-3.8-flash" in quota.says
    assert "interviews use the bank" in busy.says


@pytest.mark.parametrize(
    ("changes", "ok", "words"),
    [
        ({}, True, "takes calls"),
        ({"GEMINI_API_KEY": "wrong"}, False, "key"),
        ({"PREPKIT_GEMINI_MODEL_VOICE": "gemini-9-live"}, False, "voice model"),
    ],
)
async def test_geminis_voice_is_tried(gemini: GeminiStandin, changes: dict[str, str], ok: bool, words: str) -> None:
    """Issue 4: one session set up and left; a wrong key and a wrong model are said, with the engine that takes over."""
    settings = config.load({"GEMINI_API_KEY": gemini.key, "GEMINI_BASE_URL": gemini.url, **changes})
    (finding,) = await doctor.gemini_voice(settings)

    assert (finding.ok, words in finding.says) == (ok, True)
    assert ok or "local" in finding.says
