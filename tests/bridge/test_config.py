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


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"GEMINI_BASE_URL": "http://gemini.example"}, "GEMINI_BASE_URL must be https"),
        ({"GEMINI_BASE_URL": "ftp://127.0.0.1"}, "GEMINI_BASE_URL must be https"),
        ({"GEMINI_BASE_URL": "https://"}, "GEMINI_BASE_URL must be https"),
        ({"PREPKIT_GEMINI_TEMPERATURE_REPORT": "2.1"}, "PREPKIT_GEMINI_TEMPERATURE_REPORT"),
        ({"PREPKIT_GEMINI_TOP_P_LIVE": "0"}, "PREPKIT_GEMINI_TOP_P_LIVE"),
        ({"PREPKIT_GEMINI_TOP_K_QUESTIONS": "many"}, "PREPKIT_GEMINI_TOP_K_QUESTIONS"),
        ({"PREPKIT_GEMINI_THINKING_LIVE": "deeply"}, "PREPKIT_GEMINI_THINKING_LIVE"),
        ({"PREPKIT_GEMINI_MODEL_LIVE": "../secret"}, "PREPKIT_GEMINI_MODEL_LIVE"),
        ({"PREPKIT_GEMINI_MODEL_QUESTION": "x"}, "PREPKIT_GEMINI_MODEL_QUESTIONS"),
    ],
)
def test_a_wrong_gemini_setting_is_named(environment, words):
    """Contract 3: https, or http on loopback; the document's parameters within what Gemini takes."""
    with pytest.raises(SettingsError, match=words):
        load(environment)


def test_gemini_s_parameters_may_be_left_to_the_model():
    """C-28: empty means not sent; a stand-in on loopback may speak plain http; the key is never shown."""
    settings = load(
        {
            "GEMINI_API_KEY": "s3cret",
            "GEMINI_BASE_URL": "http://127.0.0.1:9999",
            "PREPKIT_GEMINI_TEMPERATURE_QUESTIONS": "",
            "PREPKIT_GEMINI_TOP_K_QUESTIONS": "",
            "PREPKIT_GEMINI_THINKING_QUESTIONS": "",
            "PREPKIT_GEMINI_TOP_P_QUESTIONS": "0.5",
        }
    )

    assert (None, None, "", 0.5) == (
        settings.gemini_temperature_questions,
        settings.gemini_top_k_questions,
        settings.gemini_thinking_questions,
        settings.gemini_top_p_questions,
    )
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "order"),
    [
        ({}, ("local",)),
        ({"GEMINI_API_KEY": "g"}, ("gemini", "local")),
        ({"VAPI_API_KEY": "v"}, ("vapi", "local")),
        ({"VAPI_API_KEY": "v", "GEMINI_API_KEY": "g"}, ("vapi", "gemini", "local")),
        ({"VAPI_API_KEY": "v", "GEMINI_API_KEY": "g", "PREPKIT_VOICE_ENGINE": "gemini"}, ("gemini", "local")),
        ({"GEMINI_API_KEY": "g", "PREPKIT_VOICE_ENGINE": "local"}, ("local",)),
    ],
)
def test_engines_are_tried_in_order(environment, order):
    """Contract §3, M2: `auto` is vapi, then gemini, then local by their keys; a chosen engine is followed by those behind it."""
    assert order == load({"PREPKIT_PUBLIC_URL": "https://prep.example", **environment}).engines


def test_an_engine_without_its_key_is_refused():
    """A chosen vendor needs its key, and the variable is named."""
    with pytest.raises(SettingsError, match="GEMINI_API_KEY"):
        load({"PREPKIT_VOICE_ENGINE": "gemini"})
