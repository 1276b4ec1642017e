"""`prepkit doctor` says in words what is wrong, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import load
from web.commands import doctor

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
