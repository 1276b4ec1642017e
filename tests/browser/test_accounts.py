"""Signing in, one's account and everybody's, in a real browser: by keyboard, on a phone, in the dark; axe finds nothing (R-002, A18)."""

import asyncio
import re

import pytest
import pytest_asyncio

from bridge.config import AuthMode
from web import accounts
from web.keys import SETTINGS, STORE

from ..web.house import running
from .rig import axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True},
}
PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """A server in local mode with a mailer; its first account is made in the first test."""
    settings = {"auth_mode": AuthMode.LOCAL, "smtp_url": "smtp://127.0.0.1:9", "mail_from": "prepkit@example.org"}
    async with running(tmp_path_factory.mktemp("accounts"), **settings) as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """One browser for all."""
    async with browser() as chromium:
        yield chromium


async def visitor(chromium, **view):
    """A fresh browser."""
    return await candidate(await chromium.new_context(reduced_motion="reduce", **view), rig=False)


async def sound(person):
    """What must be nothing: axe's findings, sideways scrolling, requests to elsewhere, complaints."""
    overflow = await person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return await axe_violations(person.page), overflow, person.foreign, person.complaints


async def sign_in(person, house, next_page="/history"):
    """Through the page, by keyboard."""
    page = person.page
    await page.goto(f"{house.origin}{next_page}")
    await page.focus("#email")
    await page.keyboard.type("admin@example.org")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{house.origin}{next_page}")


async def test_the_first_account_and_back_in(house, chromium):
    """R-002: the printed address makes the account; the secret leaves the address bar; signing out and in leads where one wanted to go."""
    person = await visitor(chromium)
    page = person.page
    url = await accounts.first_account_url(house.app[SETTINGS], house.app[STORE])
    await page.goto(url)
    assert page.url == f"{house.origin}/welcome"
    await page.fill("#email", "admin@example.org")
    await page.fill("#name", "Grace Hopper")
    await page.fill("#password", "password1")
    await page.click("button.button-primary")
    await page.wait_for_selector("[data-problem]:not([hidden])")
    assert "most used" in await page.inner_text("[data-problem]")
    assert "password" == await page.evaluate("document.activeElement.id")
    person.complaints.clear()  # Chromium notes the 400 itself.
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{house.origin}/")
    assert "Grace Hopper" in await page.inner_text("header")
    await page.goto(f"{house.origin}/account")
    await page.click("text=Sign out >> nth=0")
    await page.wait_for_url(re.compile("/sign-in"))
    await sign_in(person, house, "/progress")
    assert ([], []) == (person.foreign, person.complaints)
    await page.context.close()


async def test_wrong_password_is_said(house, chromium):
    """The one sentence is announced, and what was typed stays."""
    person = await visitor(chromium)
    await person.page.goto(f"{house.origin}/sign-in")
    await person.page.fill("#email", "admin@example.org")
    await person.page.fill("#password", "not the password")
    await person.page.press("#password", "Enter")
    await person.page.wait_for_selector("[data-problem]:not([hidden])")
    assert "E-mail or password is not right." in await person.page.inner_text("[data-problem]:not([hidden])")
    assert "admin@example.org" == await person.page.input_value("#email")
    await person.page.click("text=Send me a link instead")
    await person.page.wait_for_selector("[data-done-note]:not([hidden])")
    assert "Look into your mailbox" in await person.page.inner_text("[data-done-note]:not([hidden])")
    await person.page.context.close()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("path", ["/sign-in", "/register", "/forgot", "/reset", "/welcome", "/sign-in/link"])
async def test_the_door_is_accessible(house, chromium, view, path):
    """A18: every page before the door, light, dark and on a phone."""
    person = await visitor(chromium, **VIEWS[view])
    await person.page.goto(f"{house.origin}{path}")
    assert ([], 0, [], []) == await sound(person)
    await person.page.context.close()


@pytest.mark.parametrize("view", VIEWS)
async def test_ones_account_and_everybodys(house, chromium, view):
    """A18, R-135: a token and an invitation are shown once and work; a name is kept; axe finds nothing."""
    person = await visitor(chromium, **VIEWS[view])
    page = person.page
    await sign_in(person, house, "/account")
    await page.fill("#token-name", "script")
    await page.click("text=Make the token")
    await page.wait_for_selector("#token-made:not([hidden])")
    token = await page.inner_text("#token-made .secret")
    assert (await house.call("GET", "/api/me", headers={"Authorization": f"Bearer {token}"}))[1]["email"] == "admin@example.org"
    assert ([], 0, [], []) == await sound(person)
    await page.reload()
    assert token not in await page.content()
    await page.click("[aria-label='Take back script'] >> nth=0")
    await page.wait_for_function("() => document.querySelector('#account-status').textContent.includes('does not work')")
    await page.goto(f"{house.origin}/people")
    await page.fill("#invite-note", "for the beta")
    await page.click("text=Make an invitation")
    await page.wait_for_selector("#invite-made:not([hidden])")
    invitation = await page.inner_text("#invite-made .secret")
    assert ([], 0, [], []) == await sound(person)
    guest = await visitor(chromium, **VIEWS[view])
    await guest.page.goto(invitation)
    assert await guest.page.input_value("#invite") in invitation
    await guest.page.fill("#email", f"guest-{view}@example.org")
    await guest.page.fill("#password", PASSWORD)
    await guest.page.press("#password", "Enter")
    await guest.page.wait_for_url(f"{house.origin}/")
    async with asyncio.timeout(10):
        await page.reload()
    assert f"guest-{view}@example.org" in await page.inner_text("main")
    await guest.page.context.close()
    await page.context.close()
