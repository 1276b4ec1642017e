"""Every page, in light, dark and on a phone: accessible, quiet, at home, and never wider than the screen (R-063, R-087, A18)."""

import pytest
import pytest_asyncio

from web.rehearsal.house import House

from .gallery import STATES, visit
from .rig import axe_violations, browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True},
}
EXPECTED_COMPLAINTS = {"error": 1}
"""The browser itself notes the 404 of the page that is one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory):
    """A demo server with its made-up history."""
    house = House(tmp_path_factory.mktemp("demo"), command="demo")
    await house.start()
    yield house
    await house.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """One browser for all pages."""
    async with browser() as chromium:
        yield chromium


@pytest.mark.parametrize("state", STATES)
async def test_page_is_accessible_quiet_and_fits(demo, chromium, state):
    """axe finds nothing, nothing is logged, nothing leaves the machine, nothing scrolls sideways."""
    for view, options in VIEWS.items():
        # Without motion: contrast measured half-way through a fade says nothing.
        context = await chromium.new_context(reduced_motion="reduce", **options)
        person = await candidate(context, rig=False)
        await visit(person.page, demo.url, state)
        overflow = await person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

        assert ([], 0, []) == (await axe_violations(person.page), overflow, person.foreign), view
        assert EXPECTED_COMPLAINTS.get(state, 0) == len(person.complaints), person.complaints
        await context.close()
