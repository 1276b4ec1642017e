"""A whole interview in a real Chromium through Vapi's stand-in, tool calls included (R-040…R-050)."""

import aiohttp
import pytest

from web.rehearsal.house import House
from web.standins.vapi import VapiStandin

from .rig import browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(420)]
WORDS = [
    "I would keep a hash map of what I have seen so far and look each number up in constant time.",
    "The empty case comes before the loop, and every element is stored once, so it is linear in time and space.",
]


async def test_a_spoken_interview_through_vapi_in_the_browser(tmp_path, spoken):
    """R-041, R-045, R-046, C-18: the page hears Vapi's voice, Vapi hears the microphone, our tools move the questions, the report is ours."""
    async with VapiStandin(key="k", words=WORDS * 6) as standin:
        house = House(tmp_path / "house", environ={"VAPI_API_KEY": "k", "VAPI_BASE_URL": standin.url})
        await house.start()
        try:
            async with aiohttp.ClientSession() as http, browser() as chromium:
                body = {"type": "dsa", "difficulty": "easy", "duration": 8, "questionCount": 3}
                made = await (await http.post(f"{house.url}/api/interviews/setup", json=body)).json()
                url = f"{house.url}/api/interviews/{made['sessionId']}"
                person = await candidate(await chromium.new_context(bypass_csp=True))
                page = person.page
                await page.goto(f"{house.url}/interviews/{made['sessionId']}")
                await person.begin()
                voice = spoken(" ".join(WORDS))
                for _ in range(14):
                    await person.wait_for_quiet(2.5, timeout=90)
                    if not await page.is_visible("#live"):
                        break
                    await person.say(voice)
                    await person.wait_for_sound(timeout=60)
                await standin.wait_for(lambda s: not s.calls[0].live, seconds=60)
                await page.wait_for_selector("a[href$='/report']", timeout=30_000)
                session = await (await http.get(url)).json()
        finally:
            await house.stop()

        assert ("completed", 3) == (session["status"], len(session["segments"]))
        assert all(segment["answer"] for segment in session["segments"])
        assert ([], 1) == (standin.calls[0].violations, len(standin.calls))
        assert ([], []) == (person.complaints, person.foreign)
