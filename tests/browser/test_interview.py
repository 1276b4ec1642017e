"""Whole interviews in a real Chromium: spoken through a fake microphone, typed, and across a reload (R-016, R-063, R-065, M1)."""

import re

import aiohttp
import pytest

from bridge import bank

from .rig import browser, candidate, needs_browser

pytestmark = [needs_browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(420)]
BY_TEXT = {question.text: question for question in bank.questions()}


async def set_up(page, url, *, minutes):
    """Through the five steps of the set-up page: data structures, easy, `minutes` long."""
    await page.goto(url)
    await page.check("input[name=type][value=dsa]")
    for step in ("difficulty", "focus", "details", "review"):
        await page.click(f"#setup .button-primary[href='#{step}']")
        if step == "difficulty":
            await page.check("input[name=difficulty][value=easy]")
        if step == "details":
            await page.fill("#duration", str(minutes))
    await page.click("#create")
    await page.wait_for_url(re.compile(r"/interviews/[0-9a-f-]{36}$"))


async def ready_report(page):
    """Follow the page to the finished report; returns its text."""
    await page.wait_for_url(re.compile(r"/report$"), timeout=90_000)
    await page.wait_for_selector("[data-report-ready], .ring, svg[role=img]", timeout=60_000)
    return await page.inner_text("main")


async def test_a_spoken_interview_from_the_first_click_to_the_report(house, spoken):
    """R-016, R-041, R-058, R-063: set up, talk, be followed up, get a report with one's own words and a recording to listen to."""
    async with browser() as chromium:
        context = await chromium.new_context(bypass_csp=True)
        person = await candidate(context)
        page = person.page
        await set_up(page, house.url, minutes=5)
        await person.begin()
        await person.wait_for_quiet(1.2, timeout=60)
        question = BY_TEXT[(await page.inner_text("#question")).strip()]
        words = question.model_answer.split()
        await person.say(spoken(" ".join(words[: len(words) // 2])))
        await page.keyboard.press("d")
        await person.wait_for_sound(timeout=30)
        await person.wait_for_quiet(1.2, timeout=60)
        if await page.is_visible("#live"):
            await person.say(spoken(" ".join(words[len(words) // 2 :])))
            await page.keyboard.press("d")
        text = await ready_report(page)

        session_id = page.url.split("/")[-2]
        async with aiohttp.ClientSession() as http:
            session = await (await http.get(f"{house.url}/api/interviews/{session_id}")).json()
            recording = await (await http.get(f"{house.url}/api/interviews/{session_id}/recording")).read()

        assert "completed" == session["status"]
        assert [question.id] == [segment["questionId"] for segment in session["segments"]]
        assert len(session["segments"][0]["answer"].split()) > 15
        assert question.text in text
        assert recording[:4] == b"RIFF"
        assert abs(len(recording) - 44 - session["duration"] * 64_000) < 3 * 64_000
        assert ([], []) == (person.complaints, person.foreign)


async def test_a_typed_interview_survives_a_reload_at_the_same_question(house):
    """R-065, M1, F3: no microphone at all; a reload in the middle goes on at the same question with nothing lost."""
    async with aiohttp.ClientSession() as http:
        body = {"type": "system-design", "difficulty": "easy", "duration": 6, "questionCount": 3}
        made = await (await http.post(f"{house.url}/api/interviews/setup", json=body)).json()
    async with browser() as chromium:
        person = await candidate(await chromium.new_context(), rig=False)
        page = person.page
        await page.goto(f"{house.url}/interviews/{made['sessionId']}")
        await person.begin(typed=True)
        await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('1 of 3')")
        first = BY_TEXT[(await page.inner_text("#question")).strip()]
        await person.type_answer(first.model_answer)
        await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('2 of 3')")
        second = (await page.inner_text("#question")).strip()

        await page.reload()
        # A live interview goes on by itself, or offers to, after a reload; consent was given before.
        if await page.is_visible("#start-typed"):
            await person.begin(typed=True)
        await page.wait_for_selector("#interview[data-state=live]", timeout=30_000)
        await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('2 of 3')")
        assert second == (await page.inner_text("#question")).strip()

        await person.type_answer(BY_TEXT[second].model_answer)
        await page.wait_for_function("() => document.querySelector('#progress').textContent.includes('3 of 3')")
        third = BY_TEXT[(await page.inner_text("#question")).strip()]
        await person.type_answer(third.model_answer)
        text = await ready_report(page)

        async with aiohttp.ClientSession() as http:
            session = await (await http.get(f"{house.url}/api/interviews/{made['sessionId']}")).json()
        answers = [segment["answer"] for segment in session["segments"]]
        assert [first.model_answer, BY_TEXT[second].model_answer, third.model_answer] == [" ".join(a.split()) for a in answers]
        assert "100" in text
        assert ([], []) == (person.complaints, person.foreign)


async def test_a_refused_microphone_is_explained_and_typing_still_works(house):
    """R-065: the page says what to do, and offers typing."""
    async with aiohttp.ClientSession() as http:
        made = await (await http.post(f"{house.url}/api/interviews/setup", json={"type": "dsa", "difficulty": "easy"})).json()
    async with browser() as chromium:
        person = await candidate(await chromium.new_context(bypass_csp=True))
        page = person.page
        await page.goto(f"{house.url}/interviews/{made['sessionId']}")
        await person.refuse_microphone()
        await page.click("#mic-check")
        await page.wait_for_selector(
            "#check-microphone[data-state=bad], .check-row[data-state=bad], .check-row[data-state=failed]"
        )
        text = await page.inner_text("#preflight")

        assert "allow" in text.lower()
        assert await page.is_visible("#start-typed")


async def test_practise_this_next_opens_a_filled_set_up(house):
    """R-082, R-088: the report's suggestion is one click to a set-up that is ready for review."""
    async with browser() as chromium:
        person = await candidate(await chromium.new_context(), rig=False)
        await person.page.goto(f"{house.url}/?type=system-design&difficulty=hard&focus=caching,api-design")
        await person.page.wait_for_selector("#review", state="visible")
        review = await person.page.inner_text("#summary")

        assert person.page.url.endswith("/#review")
        assert all(words in review for words in ("System Design", "Hard", "Caching Strategies", "API Design")), review
        assert [] == person.complaints
