"""Share links from outside: what they show, for how long, and to whom (R-118, A5)."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from loguru import logger
from sqlalchemy import update

from bridge.domain.setup import InterviewSetup
from storage.tables import share_links, users
from storage.unit_of_work import Transaction
from web.share import GUESSES, LIMITER

from .house import SETUP, UNKNOWN, House, add_recording, add_user, copy_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
WISHES = replace(SETUP, company="Acme Secret", specific_requirements="Write to me@example.org")


@pytest.fixture(autouse=True)
def fresh_guesses(house: House) -> None:
    """Each test begins with no wrong tokens counted."""
    limiter = house.app[LIMITER]
    assert isinstance(limiter, MovingWindowRateLimiter)
    limiter.storage = MemoryStorage()


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Lines of the log, down to DEBUG, while a test runs."""
    lines: list[str] = []
    handler = logger.add(lines.append, level="DEBUG", format="{level} {message} {extra}")
    logger.debug("A line, so that there is one.")
    yield lines
    logger.remove(handler)


async def shared(house: House, setup: InterviewSetup = WISHES, **wish: Any) -> tuple[str, dict[str, Any]]:
    """A reported interview with a recording and a link to it: the interview's id, and the body of the 201."""
    made = await house.finished(setup=setup)
    await add_recording(house.recordings, made.id)
    status, body = await house.call("POST", f"/api/interviews/{made.id}/share", json=wish)
    assert 201 == status, body
    return made.id, body


def path_of(body: dict[str, Any]) -> str:
    """The link without the host."""
    return re.sub(r"^http://[^/]+", "", str(body["url"]))


async def test_a_link_shows_the_report_to_anybody(house: House) -> None:
    """R-118: the numbers of the report; no cache, no referrer, no search engine; nothing that only the owner may have."""
    session_id, body = await shared(house)
    assert body["url"].startswith(house.origin + "/share/")
    assert len(path_of(body).rsplit("/", 1)[1]) >= 22
    _, report = await house.call("GET", f"/api/interviews/{session_id}/report")
    response, page = await house.fetch("GET", path_of(body))

    assert 200 == response.status
    assert f'aria-label="Overall coverage: {report["overallScore"]} of 100' in page
    assert ("no-store", "no-referrer") == (response.headers["Cache-Control"], response.headers["Referrer-Policy"])
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex, nofollow">' in page
    for private in (session_id, report["reportId"], "me@example.org", "/api/interviews/", "/history", "<audio", "share-dialog"):
        assert private not in page, private
    assert "Acme Secret" in page


async def test_what_is_hidden_is_not_there(house: House) -> None:
    """R-118: name, words and sound, each on its own."""
    _, named = await shared(house, hideName=True)
    _, page = await house.fetch("GET", path_of(named))
    assert "Acme Secret" not in page

    session_id, quiet = await shared(house, hideTranscript=True, hideAudio=False)
    assert quiet["hideAudio"]
    _, interview = await house.call("GET", f"/api/interviews/{session_id}")
    _, page = await house.fetch("GET", path_of(quiet))
    answers = [turn["text"] for turn in interview["transcript"] if turn["speaker"] == "candidate"]
    models = " ".join(re.findall(r"<summary>A model answer</summary>\s*<p>(.*?)</p>", page, re.DOTALL))
    rest = page.replace(models, "") if models else page
    for answer in answers:
        quoted = " ".join(answer.split()[2:8])
        assert quoted not in re.sub(r"<details>.*?</details>", "", rest, flags=re.DOTALL), quoted
    assert "part of this link" in page


async def test_the_name_is_told_unless_hidden(house: House) -> None:
    """R-118: of the account; here one that has a name."""
    async with house.store.begin() as tx:
        assert isinstance(tx, Transaction)
        await tx.connection.execute(update(users).where(users.c.id == house.user).values(name="Asha <b>"))
    try:
        _, told = await shared(house)
        _, hidden = await shared(house, hideName=True)
        assert "Interview report of Asha &lt;b&gt;" in (await house.fetch("GET", path_of(told)))[1]
        assert "Asha" not in (await house.fetch("GET", path_of(hidden)))[1]
    finally:
        async with house.store.begin() as tx:
            assert isinstance(tx, Transaction)
            await tx.connection.execute(update(users).where(users.c.id == house.user).values(name=""))


async def test_the_recording_only_where_it_is_not_hidden(house: House) -> None:
    """A5: media through the share only when audio is not hidden; ranges honoured."""
    session_id, open_ = await shared(house, hideAudio=False)
    _, page = await house.fetch("GET", path_of(open_))
    assert f'src="{path_of(open_)}/recording"' in page
    response, _ = await house.fetch("GET", f"{path_of(open_)}/recording", headers={"Range": "bytes=0-43"})
    assert (206, "audio/wav", "no-store") == (
        response.status, response.headers["Content-Type"], response.headers["Cache-Control"],
    )  # fmt: skip

    _, body = await house.call("POST", f"/api/interviews/{session_id}/share", json={})
    response, _ = await house.fetch("GET", f"{path_of(body)}/recording")
    assert 404 == response.status


async def test_after_taking_back_it_is_gone_within_a_second(house: House) -> None:
    """A5: 404 ≤ 1 s after the revocation; the list says which links work."""
    session_id, body = await shared(house, hideAudio=False)
    address = f"/api/interviews/{session_id}/share"
    _, listed = await house.call("GET", address)
    assert [(body["id"], True)] == [(link["id"], link["works"]) for link in listed["links"]]
    assert path_of(body).rsplit("/", 1)[1] not in json.dumps(listed)

    began = time.monotonic()
    assert (200, {"revoked": True}) == await house.call("DELETE", f"{address}/{body['id']}")
    response, page = await house.fetch("GET", path_of(body))
    assert 1 > time.monotonic() - began
    assert 404 == response.status
    assert "taken back" in page
    assert 404 == (await house.fetch("GET", f"{path_of(body)}/recording"))[0].status
    assert (200, {"revoked": True}) == await house.call("DELETE", f"{address}/{body['id']}")
    _, listed = await house.call("GET", address)
    assert [False] == [link["works"] for link in listed["links"]]


async def test_a_deleted_interview_and_an_expired_link_are_gone(house: House) -> None:
    """R-115, R-118: at once, and without a word about which it was."""
    session_id, body = await shared(house)
    await house.call("DELETE", f"/api/interviews/{session_id}")
    deleted, first = await house.fetch("GET", path_of(body))

    _, body = await shared(house, expiresInDays=1)
    expires = datetime.fromisoformat(body["expiresAt"])
    assert timedelta(hours=23) < expires - datetime.now(UTC) < timedelta(hours=25)
    async with house.store.begin() as tx:
        assert isinstance(tx, Transaction)
        await tx.connection.execute(
            update(share_links).where(share_links.c.id == body["id"]).values(expires_at=datetime.now(UTC))
        )
    expired, second = await house.fetch("GET", path_of(body))

    assert (404, 404) == (deleted.status, expired.status)
    assert "noindex" in deleted.headers["X-Robots-Tag"]

    def without_reference(page: str) -> str:
        return re.sub(r"[0-9a-f]{12}", "", page)

    assert without_reference(first) == without_reference(second)


async def test_a_token_cannot_be_guessed_and_is_kept_nowhere(house: House, log_lines: list[str]) -> None:
    """A5: at least 128 bits each, of which neither a file of the data folder nor a line of the log has more than a hash."""
    session_id, _ = await shared(house)
    tokens = []
    for _ in range(19):
        _, body = await house.call("POST", f"/api/interviews/{session_id}/share", json={})
        tokens.append(path_of(body).rsplit("/", 1)[1])
        await house.fetch("GET", path_of(body))
    assert 19 == len(set(tokens))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", token) for token in tokens), "22 of 64 letters are 132 bits"
    for place in range(22):
        assert len({token[place] for token in tokens}) > 5, "a letter that hardly changes is worth no bits"
    kept = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in house.data_dir.rglob("*") if path.is_file()))
    assert [] == [token for token in tokens if token.encode() in kept or any(token in line for line in log_lines)]
    assert log_lines


async def test_guessing_is_stopped_at_the_twenty_first(house: House) -> None:
    """A5: wrong tokens are counted by address, right ones are not; then even a right one waits."""
    assert (20, 60) == (GUESSES.amount, GUESSES.get_expiry())
    _, body = await shared(house)
    for _ in range(30):
        assert 200 == (await house.fetch("GET", path_of(body)))[0].status
    for n in range(GUESSES.amount):
        assert 404 == (await house.fetch("GET", f"/share/{'x' * 31}{n}"))[0].status
    response, _ = await house.fetch("GET", "/share/another")
    assert (429, "60") == (response.status, response.headers["Retry-After"])
    assert 429 == (await house.fetch("GET", f"/share/{'y' * 32}/recording"))[0].status
    assert 429 == (await house.fetch("GET", path_of(body)))[0].status


@pytest.mark.parametrize("token", ["%00", "..%2f..%2fetc", "%ed%a0%80", "a" * 5000, "'%20OR%201=1"])
async def test_strange_tokens_are_only_wrong(house: House, token: str) -> None:
    """Contract §6: 404, never a 5xx."""
    response, _ = await house.fetch("GET", f"/share/{token}")

    assert response.status in (400, 404)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"expiresInDays": 0}, "expiresInDays"),
        ({"expiresInDays": 91}, "expiresInDays"),
        ({"expiresInDays": "soon"}, "expiresInDays"),
        ({"hideAudio": "perhaps"}, "hideAudio"),
    ],
)
async def test_bad_wishes_are_named(house: House, wish: dict[str, Any], field: str) -> None:
    """Contract §6: 422 with the field."""
    made = await house.finished()
    status, body = await house.call("POST", f"/api/interviews/{made.id}/share", json=wish)

    assert (422, [field]) == (status, [problem["field"] for problem in body["error"]["details"]])


async def test_links_belong_to_the_owner(house: House) -> None:
    """A1: a stranger's interview is as unknown as one that does not exist."""
    stranger = await add_user(house.store)
    theirs = await copy_for(house.store, await house.finished(), user_id=stranger, call_id=None)
    for session_id in (theirs.id, UNKNOWN):
        for method, path in (("POST", "share"), ("GET", "share"), ("DELETE", f"share/{UNKNOWN}")):
            status, body = await house.call(method, f"/api/interviews/{session_id}/{path}")
            assert (404, "There is no such interview.") == (status, body["error"]["message"])


async def test_without_a_report_there_is_nothing_to_share(house: House) -> None:
    """R-118: 409 in words."""
    made = await house.finished(report=False)
    status, body = await house.call("POST", f"/api/interviews/{made.id}/share", json={})

    assert (409, "There is no report to share yet.") == (status, body["error"]["message"])
