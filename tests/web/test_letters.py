"""Links by e-mail, through a real SMTP server: signing in with one and setting a new password (R-002, A4, A14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from bridge.config import AuthMode, SignUp
from bridge.domain.account import Scope
from bridge.usecases import people
from storage.job_queue import JobRun, JobStatus
from storage.tables import one_time_tokens
from tests import smtp
from web import limiting
from web.accounts import LETTER_JOB
from web.keys import JOBS

from .house import House, running
from .visitors import PASSWORD, Visitor, program, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "another long enough one"


class Street:
    """The server and its mailbox."""

    def __init__(self, house: House, post: Any) -> None:
        self.house, self.post = house, post

    async def letter(self, path: str) -> str:
        """The token in the newest letter, once there is one more with a link to that path."""
        async with asyncio.timeout(20):
            while not self.post.letters or f"{path}#" not in self.post.letters[-1].get_content():
                await asyncio.sleep(0.05)
        text = self.post.letters[-1].get_content()
        self.post.envelopes.clear()
        return next(line for line in text.splitlines() if line.startswith(f"{self.house.origin}{path}#")).split("#")[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(tmp_path_factory: pytest.TempPathFactory, no_rate_limit: None) -> AsyncIterator[Street]:
    """Local mode with an open sign-up and a mail server."""
    post = smtp.Post()
    async with smtp.listening(post) as port:
        settings = {
            "auth_mode": AuthMode.LOCAL, "signup": SignUp.OPEN, "mail_from": "PrepKit <prepkit@example.org>",
            "smtp_url": f"smtp://127.0.0.1:{port}?tls=off",
        }  # fmt: skip
        async with running(tmp_path_factory.mktemp("letters"), **settings) as house:
            yield Street(house, post)


@pytest.fixture(autouse=True)
def fresh_limits(street: Street) -> None:
    """Each test begins with nothing counted."""
    street.house.app[limiting.LIMITS].forget()


async def invited(street: Street, email: str) -> Visitor:
    """Somebody whose address is known to be theirs."""
    _, code = await people.invite(
        street.house.store, None, note="", role=people.Role.CANDIDATE, places=1, days=1, now=datetime.now(UTC)
    )
    visitor = Visitor(street.house)
    body = {"email": email, "password": PASSWORD, "invite": code}
    status, made = await visitor.call("POST", "/api/auth/register", body)
    assert status == 201, made
    async with street.house.store.read() as tx:
        visitor.account = await tx.account(made["user"]["id"])
    street.house.app[limiting.LIMITS].forget()
    return visitor


async def test_a_link_signs_in_once_in_the_browser_that_asked(street: Street) -> None:
    """Part C: single use, ten minutes, bound to the browser; opening the page uses nothing up."""
    await invited(street, "link@example.org")
    browser, thief = Visitor(street.house), Visitor(street.house)
    assert "Send me a link instead" in (await browser.page("/sign-in"))[1]
    assert await browser.call("POST", "/api/auth/link", {"email": "Link@Example.org"}) == (202, {"sent": True})
    token = await street.letter("/sign-in/link")
    assert (await browser.page("/sign-in/link"))[0] == 200
    assert (await thief.call("POST", "/api/auth/link/use", {"token": token}))[0] == 403
    assert (await browser.call("POST", "/api/auth/link/use", {"token": token[:-1]}))[0] == 404

    asked = dict(browser.cookies)
    assert (await browser.call("POST", "/api/auth/link/use", {"token": token}))[0] == 200

    assert (await browser.call("GET", "/api/me"))[1]["email"] == "link@example.org"
    assert (await Visitor(street.house, asked).call("POST", "/api/auth/link/use", {"token": token}))[0] == 404
    # The password of somebody whose address was known stays.
    body = {"email": "link@example.org", "password": PASSWORD}
    assert (await Visitor(street.house).call("POST", "/api/auth/login", body))[0] == 200


async def test_an_erased_account_leaves_no_address(street: Street) -> None:
    """P2, R-115: the letters' jobs hold addresses as well, of people without an account too; no file of the data folder has one afterwards."""
    mine, stranger = "erased-marker@example.org", "nobody-marker@example.org"
    visitor = await invited(street, mine)
    await Visitor(street.house).call("POST", "/api/auth/link", {"email": stranger})
    await visitor.call("POST", "/api/auth/link", {"email": mine})
    await street.letter("/sign-in/link")
    async with asyncio.timeout(20):
        while any(run.status in (JobStatus.WAITING, JobStatus.RUNNING) for run in await letters(street.house)):
            await asyncio.sleep(0.05)
    assert holding(street.house.data_dir, mine)

    assert (await visitor.call("DELETE", "/api/me", {"confirm": True}))[0] == 200
    await street.house.store.scrub()

    assert (holding(street.house.data_dir, mine), holding(street.house.data_dir, stranger)) == ([], [])


async def letters(house: House) -> list[JobRun]:
    """The jobs that write them."""
    return [run for run in await house.app[JOBS].recent(failed_only=False, limit=50) if run.kind == LETTER_JOB]


def holding(folder: Path, word: str) -> list[str]:
    """Files below the folder that hold the word."""
    return [path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


async def test_an_old_link_and_an_older_one(street: Street) -> None:
    """Part C: over after ten minutes; a newer letter ends the older one."""
    await invited(street, "old@example.org")
    browser = Visitor(street.house)
    await browser.call("POST", "/api/auth/link", {"email": "old@example.org"})
    first = await street.letter("/sign-in/link")
    await browser.call("POST", "/api/auth/link", {"email": "old@example.org"})
    second = await street.letter("/sign-in/link")
    assert (await browser.call("POST", "/api/auth/link/use", {"token": first}))[0] == 404
    async with street.house.store.begin() as tx:
        await tx.connection.execute(update(one_time_tokens).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert (await browser.call("POST", "/api/auth/link/use", {"token": second}))[0] == 404


async def test_a_new_password(street: Street) -> None:
    """A4: the link sets it once; every sign-in and token from before is over, the old password too."""
    mine = await invited(street, "reset@example.org")
    token_holder = await program(street.house, mine.account, *Scope)
    elsewhere = Visitor(street.house)
    assert (await elsewhere.call("POST", "/api/auth/reset", {"email": "reset@example.org"}))[0] == 202
    token = await street.letter("/reset")
    assert (await elsewhere.call("POST", "/api/auth/reset/use", {"token": token, "password": "short"}))[0] == 400

    assert (await elsewhere.call("POST", "/api/auth/reset/use", {"token": token, "password": NEW}))[0] == 200

    assert [200, 401, 401] == [(await each.call("GET", "/api/me"))[0] for each in (elsewhere, mine, token_holder)]
    assert (await elsewhere.call("POST", "/api/auth/reset/use", {"token": token, "password": NEW + "!"}))[0] == 404
    statuses = [
        (await Visitor(street.house).call("POST", "/api/auth/login", {"email": "reset@example.org", "password": each}))[0]
        for each in (PASSWORD, NEW)
    ]
    assert statuses == [401, 200]


async def test_whoever_took_the_address_first_is_out_at_the_first_letter(street: Street) -> None:
    """With an open sign-up anybody can take an address: its owner's first letter ends what the taker set up."""
    taker, owner = Visitor(street.house), Visitor(street.house)
    body = {"email": "taken@example.org", "password": PASSWORD}
    assert (await taker.call("POST", "/api/auth/register", body))[0] == 201
    await owner.call("POST", "/api/auth/link", {"email": "taken@example.org"})
    assert (await owner.call("POST", "/api/auth/link/use", {"token": await street.letter("/sign-in/link")}))[0] == 200

    assert [200, 401] == [(await each.call("GET", "/api/me"))[0] for each in (owner, taker)]
    assert (await Visitor(street.house).call("POST", "/api/auth/login", body))[0] == 401
    # Who has no password sets a first one without giving an old one.
    assert (await owner.call("POST", "/api/me/password", {"password": NEW}))[0] == 200


async def test_nobody_learns_who_has_an_account(street: Street) -> None:
    """A14: the same answer for an unknown address and a closed account, and no letter; each address gets three letters in a quarter of an hour."""
    closed = await signed_in(street.house)
    known = await invited(street, "known@example.org")
    assert closed.account is not None
    assert known.account is not None
    await people.set_disabled(street.house.store, None, closed.account.id, disabled=True, now=datetime.now(UTC))
    for path in ("link", "reset"):
        answers = {
            str(await Visitor(street.house).call("POST", f"/api/auth/{path}", {"email": email}))
            for email in ("unknown@example.org", closed.account.email, "known@example.org")
        }
        assert len(answers) == 1
    await street.letter("/reset")
    street.house.app[limiting.LIMITS].forget()
    statuses = [
        (await Visitor(street.house).call("POST", "/api/auth/reset", {"email": "unknown@example.org"}))[0] for _ in range(4)
    ]
    assert statuses == [202, 202, 202, 429]
    for path in ("link", "reset"):
        street.house.app[limiting.LIMITS].forget()
        asked = [
            await Visitor(street.house).send("POST", f"/api/auth/{path}", json={"email": f"unknown{n}@example.org"})
            for n in range(11)
        ]
        assert [202] * 10 + [429] == [response.status for response, _ in asked], "ten from one visitor, whomever they are for"
        assert 0 < int(asked[-1][0].headers["Retry-After"]) <= 900
    assert {envelope.rcpt_tos[0] for envelope in street.post.envelopes} <= {"known@example.org"}
