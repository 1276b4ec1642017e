"""Key age where people see it: the operators' page, the log, `prepkit doctor` (R-119, R-120, C-52)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from loguru import logger
from sqlalchemy import update

from bridge.config import AuthMode, load
from bridge.domain.account import Role
from storage.tables import secret_ages
from web.commands import doctor

from .house import House, running
from .visitors import signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY, TOKEN = "sk_test_a_very_secret_value", "a-token-of-mine"
SETTINGS = {"auth_mode": AuthMode.LOCAL, "stripe_secret_key": KEY, "metrics_token": TOKEN}
ENVIRONMENT = {"STRIPE_SECRET_KEY": KEY, "PREPKIT_METRICS_TOKEN": TOKEN}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Path]:
    """The data of a server that has seen both secrets, one of them for a hundred days."""
    made = tmp_path_factory.mktemp("ages")
    async with running(made, **SETTINGS) as house, house.store.begin() as tx:
        old = (
            update(secret_ages)
            .where(secret_ages.c.name.startswith("STRIPE"))
            .values(since=datetime.now(UTC) - timedelta(days=100))
        )
        await tx.connection.execute(old)  # type: ignore[attr-defined]
    yield made


async def page_of(house: House, role: Role) -> str:
    """The figures, as somebody with that role sees them."""
    return (await (await signed_in(house, role)).page("/operator/figures"))[1]


async def test_an_admin_sees_how_old_each_is(folder: Path) -> None:
    """C-52: name, mark and days after a restart; what is due is said, also in the log; no value anywhere, and nothing for an operator."""
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING")
    try:
        async with running(folder, **SETTINGS) as house:
            page = await page_of(house, Role.ADMIN)
            other = await page_of(house, Role.OPERATOR)
    finally:
        logger.remove(sink)
    assert "STRIPE_SECRET_KEY" in page
    assert "100 days" in page
    assert 1 == page.count("exchange it")
    assert "PREPKIT_METRICS_TOKEN" in page
    assert "0 days" in page
    assert "STRIPE_SECRET_KEY" not in other
    assert any("STRIPE_SECRET_KEY has had its value for 100 days" in line for line in lines)
    assert not any(secret in text for secret in (KEY, TOKEN) for text in (page, *lines))
    for file in folder.glob("prepkit.db*"):
        assert KEY.encode() not in file.read_bytes()


async def test_doctor_warns_of_it(folder: Path) -> None:
    """C-52: advice that names setting and days, and breaks nothing; a new value is young again; without a database nothing is said."""

    async def says(**changes: str) -> list[tuple[bool | None, str]]:
        found = await doctor.secrets(load({"PREPKIT_DATA_DIR": str(folder)} | ENVIRONMENT | changes))
        return [(finding.ok, finding.says) for finding in found]

    assert [(None, "Exchange what has been the same for 90 days or more: STRIPE_SECRET_KEY (100 days).")] == await says()
    assert [(True, "2 set, the oldest for 0 days. 1 of them no server has seen yet.")] == await says(STRIPE_SECRET_KEY="new")
    assert [(True, "2 set, the oldest for 100 days.")] == await says(PREPKIT_KEY_DAYS="0")
    assert [] == await doctor.secrets(load({"PREPKIT_DATA_DIR": str(folder / "none")} | ENVIRONMENT))
    assert [] == await doctor.secrets(load({"PREPKIT_DATA_DIR": str(folder)}))
