"""Settings (contract §3)."""

import pytest

from bridge.config import load
from bridge.errors import SettingsError


def test_defaults():
    """Nothing set: loopback, port 8080, SQLite in the data folder, no key."""
    settings = load({"PATH": "/usr/bin"})

    assert ("127.0.0.1", 8080, "auto", "single", "off", 90) == (
        settings.host, settings.port, settings.voice_engine, settings.auth_mode, settings.payments, settings.retention_days,
    )  # fmt: skip
    assert settings.database.startswith("sqlite+aiosqlite:///")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PREPKIT_PROT": "1"}, "PREPKIT_PORT"),
        ({"PREPKIT_PORT": "eighty"}, "PREPKIT_PORT"),
        ({"PREPKIT_HOST": "0.0.0.0"}, "loopback"),
        ({"PREPKIT_AUTH_MODE": "magic"}, "PREPKIT_AUTH_MODE"),
        ({"PREPKIT_DATABASE_URL_FILE": "/no/such/file"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(environment, words):
    """The variable and what is wrong; an unknown name gets the nearest match."""
    with pytest.raises(SettingsError, match=words):
        load(environment)


def test_a_secret_may_come_from_a_file_and_is_never_repeated(tmp_path):
    """`NAME_FILE` holds the value; neither repr nor error shows it."""
    file = tmp_path / "url"
    file.write_text("postgresql+psycopg://u:s3cret@db/prepkit\n")
    settings = load({"PREPKIT_DATABASE_URL_FILE": str(file)})

    assert settings.database == "postgresql+psycopg://u:s3cret@db/prepkit"
    assert "s3cret" not in repr(settings)
    with pytest.raises(SettingsError) as refused:
        load({"PREPKIT_PORT": "s3cret"})
    assert "s3cret" not in refused.value.message
