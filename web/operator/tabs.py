"""The operators' own navigation."""

from __future__ import annotations

from aiohttp import web

from bridge.domain.account import Role

from ..auth import current
from ..payments import TARIFF

TABS = (
    ("/operator", "Live calls"),
    ("/operator/sessions", "Sessions"),
    ("/operator/figures", "Figures"),
    ("/operator/deliveries", "Webhooks"),
    ("/operator/jobs", "Jobs"),
)
MONEY = ("/operator/money", "Money")


def tabs_for(request: web.Request) -> tuple[tuple[str, str], ...]:
    """The pages this person may open; the one about money is an admin's, where anything has a price."""
    return (*TABS, MONEY) if TARIFF in request.app and current(request).may(Role.ADMIN) else TABS
