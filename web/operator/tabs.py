"""The operators' own navigation."""

from __future__ import annotations

from aiohttp import web

from bridge.domain.account import Role
from bridge.domain.reviewing import offered

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


REVIEWS = ("/operator/reviews", "Reviews")


def tabs_for(request: web.Request) -> tuple[tuple[str, str], ...]:
    """The pages this person may open: reviews where a plan includes one, money where anything has a price."""
    person, tariff = current(request), request.app.get(TARIFF)
    tabs = TABS if person.may(Role.OPERATOR) else ()
    if offered(tariff) and person.may(Role.REVIEWER):
        tabs = (*tabs, REVIEWS)
    return (*tabs, MONEY) if tariff is not None and person.may(Role.ADMIN) else tabs
