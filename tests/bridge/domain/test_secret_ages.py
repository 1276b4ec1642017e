"""Ages of secrets: by marks that tell nothing (R-120, C-52)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bridge.config import load
from bridge.config.secrets import configured
from bridge.domain.secret_ages import Secret, ages, mark_of, marked

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_a_mark_sees_a_change_and_tells_nothing() -> None:
    """C-52: 32 bits, the same for the same, another for another value and under another name."""
    mark = mark_of("STRIPE_SECRET_KEY", "sk_live_1")
    assert re.fullmatch("[0-9a-f]{8}", mark)
    assert mark == mark_of("STRIPE_SECRET_KEY", "sk_live_1")
    assert 3 == len({mark, mark_of("STRIPE_SECRET_KEY", "sk_live_2"), mark_of("VAPI_API_KEY", "sk_live_1")})


def test_which_settings_are_secrets() -> None:
    """R-119, C-52: each key of an exchange by itself, passwords in addresses alone, and nothing that is no secret."""
    settings = load(
        {
            "PREPKIT_PAYMENTS": "stripe", "STRIPE_SECRET_KEY": "sk", "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
            "GEMINI_API_KEY": "g", "SMTP_URL": "smtp://me:pass@mail.example:25", "PREPKIT_MAIL_FROM": "p@mail.example",
            "PREPKIT_DATABASE_URL": "postgresql+psycopg://me@db/prepkit", "PREPKIT_OTEL_HEADERS": "a=1,b=2",
        }
    )  # fmt: skip
    assert {
        ("STRIPE_SECRET_KEY", "sk"), ("STRIPE_WEBHOOK_SECRET", "whsec_new"), ("STRIPE_WEBHOOK_SECRET", "whsec_old"),
        ("GEMINI_API_KEY", "g"), ("SMTP_URL", "pass"), ("PREPKIT_OTEL_HEADERS", "a=1,b=2"),
    } == set(configured(settings))  # fmt: skip
    assert [] == configured(load({}))


def test_the_oldest_comes_first() -> None:
    """R-120: whole days, due from the day that is set, never where none is; one that nobody has seen has no age."""
    old, new, unseen = Secret("A", "1"), Secret("B", "2"), Secret("C", "3")
    found = ages((unseen, new, old), {old.name: NOW - timedelta(days=90), new.name: NOW + timedelta(hours=1)}, NOW)
    assert [("A", 90), ("B", 0), ("C", None)] == [(age.variable, age.days) for age in found]
    assert [True, False, False] == [age.old(90) for age in found]
    assert [False] * 3 == [age.old(91) for age in found]
    assert [False] * 3 == [age.old(0) for age in found]


def test_the_same_key_twice_is_one() -> None:
    """C-52: a mark has one row."""
    assert 1 == len(marked([("A", "x"), ("A", "x")]))
