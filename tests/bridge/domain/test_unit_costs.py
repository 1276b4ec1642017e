"""What tokens cost, and since when (C-02, C-05)."""

from __future__ import annotations

from datetime import date

import pytest

from bridge.config import Settings
from bridge.domain.unit_costs import TOKEN_PRICES, dearest, token_price


@pytest.mark.parametrize(
    ("model", "day", "prices"),
    [
        ("gemini-3.8-flash", date(2026, 11, 25), (0.75, 3.75)),
        ("gemini-3.8-flash", date(2026, 12, 31), (0.75, 3.75)),
        ("gemini-3.8-flash", date(2027, 1, 1), (1.50, 7.50)),
        ("models/gemini-3.5-flash-lite", date(2026, 11, 25), (0.30, 2.50)),
        ("gemini-3.8-flash", date(2020, 1, 1), (0.75, 3.75)),
    ],
)
def test_the_price_of_the_day(model: str, day: date, prices: tuple[float, float]):
    """C-02: a price holds from its day on; before the first it is the first."""
    price = token_price(model, day)

    assert price is not None
    assert prices == (price.tokens_in, price.tokens_out)


def test_an_unknown_model_has_none():
    """It is booked as an estimate at the highest price of the day."""
    assert token_price("gemini-99", date(2026, 11, 25)) is None
    assert dearest(date(2026, 11, 25)).tokens_out == 12.0
    assert dearest(date(2026, 12, 1)).tokens_out == 20.0


def test_the_default_models_are_priced_and_the_table_is_in_order():
    """Nobody who changes nothing gets an estimate."""
    settings = Settings()
    for model in (settings.gemini_model_questions, settings.gemini_model_live, settings.gemini_model_report):
        assert token_price(model, date(2026, 11, 25)) is not None
    for name in {price.model for price in TOKEN_PRICES}:
        days = [price.since for price in TOKEN_PRICES if price.model == name]
        assert sorted(days) == days
