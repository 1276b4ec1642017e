"""Whole interviews held by `prepkit rehearse` against real server processes: in time, in order, and through crashes (R-018, R-051, R-052, R-058, M1)."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.egress import read
from web.rehearsal import sound
from web.rehearsal.account import Account
from web.rehearsal.api import Api
from web.rehearsal.candidate import Candidate, Prepared, Written, read_paragraphs
from web.rehearsal.client import Order, Rehearsal
from web.rehearsal.house import House

from .conftest import StartServer

pytestmark = pytest.mark.timeout(600)
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="no flite on this machine (apt-get install flite)")

ANSWERS = Path(__file__).parent / "data" / "answers.txt"
SHORT = ("--difficulty", "easy", "--duration", "5", "--questions", "3")
SETUP = {"type": "javascript", "difficulty": "easy", "duration": 5, "questionCount": 3}


@dataclass
class Ran:
    """A finished `prepkit` process."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its one JSON object."""
        said: dict[str, Any] = json.loads(self.out)
        return said


async def prepkit(*arguments: str, under: Sequence[str] = ()) -> Ran:
    """Run the command line, under another program where one is given."""
    process = await asyncio.create_subprocess_exec(
        *under, sys.executable, "-m", "web", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def test_a_typed_rehearsal_ends_with_a_report_and_every_question_paired() -> None:
    """R-018, R-058: with no `--url` the command brings its own server; each answer stands with its question, word for word."""
    ran = await prepkit("rehearse", "--typed", *SHORT, "--json")

    assert (0, "") == (ran.code, ran.err)
    assert [(pair["said"], True) for pair in ran.json["pairs"]] == [(pair["heard"], pair["paired"]) for pair in ran.json["pairs"]]
    assert ["assessed"] * 3 == [question["status"] for question in ran.json["report"]["questions"]]
    assert (True, True, 0.0, [], 1, 0) == tuple(
        ran.json[name] for name in ("ok", "paired", "wer", "lostTurns", "connections", "nudges")
    )


@needs_flite
async def test_a_spoken_rehearsal_is_heard_paired_and_talks_to_nobody_outside(tmp_path: Path) -> None:
    """R-018, R-058: speech goes through voice detection, recogniser and turns, and each answer stands with its own question. P6: server, models, recogniser and
    voice reach nothing but this machine."""
    out = tmp_path / "seen.json"

    ran = await prepkit(
        "rehearse", "--text", str(ANSWERS), *SHORT, "--json", under=(sys.executable, "-m", "tests.egress", str(out))
    )

    assert (0, True) == (ran.code, ran.json["ok"]), ran.err
    assert 3 == len(ran.json["pairs"])
    assert [True] * 3 == [pair["paired"] for pair in ran.json["pairs"]]
    assert 0.5 > ran.json["wer"]
    assert [] == ran.json["lostTurns"]
    if not out.exists():
        pytest.skip(f"heard and paired, but {ran.err.splitlines()[0]}")
    seen = read(out)
    assert any("flite" in command for command in seen.started)
    assert {place.host for place in seen.reached} <= {"127.0.0.1", "::1"}
    assert seen.reached


@dataclass
class PowerCut:
    """A watch that pulls the server's plug in mid-answer, once, and starts it again on the same data and port."""

    house: House
    stage: str
    nth: int
    """The how-manieth answer is cut."""
    after: float
    """Seconds into it."""
    acked: dict[str, str] = field(default_factory=dict)
    """Final candidate turns acknowledged before and after, by id."""
    cut: asyncio.Task[None] | None = None
    _seen: int = 0

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """See `web.rehearsal.client.Watch`."""
        if kind == "turn" and data["speaker"] == "candidate" and data["final"]:
            self.acked[data["turnId"]] = data["text"]
        if kind == "stage" and data["text"] == self.stage:
            self._seen += 1
            if self._seen == self.nth and self.cut is None:
                self.cut = asyncio.create_task(self._cut())

    async def _cut(self) -> None:
        await asyncio.sleep(self.after)
        await self.house.kill()
        await self.house.start()


async def rehearse_through(cut: PowerCut, candidate: Candidate, *, typed: bool) -> Account:
    """A rehearsal whose server dies under it."""
    async with aiohttp.ClientSession() as http:
        account = await Rehearsal(Api(http, cut.house.url), Order(SETUP, typed=typed), candidate, cut).run()
    assert cut.cut is not None, "the interview ended before its server could be killed"
    await cut.cut
    return account


def assert_nothing_lost_or_doubled(account: Account, acked: Mapping[str, str]) -> None:
    """M1: the stored transcript holds every acknowledged turn once, with the acknowledged words."""
    stored = [(turn["turnId"], turn["text"]) for turn in account.interview["transcript"] if turn["speaker"] == "candidate"]

    assert acked.items() <= dict(stored).items()
    assert len(stored) == len({turn_id for turn_id, _ in stored})
    in_segments = [turn_id for segment in account.interview["segments"] for turn_id in segment["turnIds"]]
    assert sorted(turn_id for turn_id, _ in stored) == sorted(in_segments)
    assert [] == account.lost


async def test_a_typed_rehearsal_survives_kill_9(server: StartServer) -> None:
    """R-051, M1: the server dies while an answer is sent, or just after; the interview goes on and no answer is lost or stored twice."""
    cuts = [PowerCut(await server(), "Typing", nth=2, after=after) for after in (0.0, 0.25)]

    accounts = await asyncio.gather(*(rehearse_through(cut, Prepared(None), typed=True) for cut in cuts))

    for cut, account in zip(cuts, accounts, strict=True):
        assert account.ready
        assert 2 <= account.legs
        assert_nothing_lost_or_doubled(account, cut.acked | dict(account.typed_acks))
        texts = [turn["text"] for turn in account.interview["transcript"] if turn["speaker"] == "candidate"]
        assert sorted(answer.said for answer in account.answers if answer.said) == sorted(texts)
        assert account.all_paired


@needs_flite
async def test_a_spoken_rehearsal_survives_kill_9(server: StartServer) -> None:
    """R-051, M1: the server dies in the middle of a spoken answer; the candidate goes on from there and the report comes."""
    cut = PowerCut(await server(), "Speaking", nth=2, after=3.0)

    account = await rehearse_through(cut, Written(read_paragraphs(ANSWERS), sound.choose("flite")), typed=False)

    assert account.ready
    assert 2 <= account.legs
    assert_nothing_lost_or_doubled(account, cut.acked)
    assert account.all_paired


async def test_a_dropped_connection_is_resumed() -> None:
    """R-052: the candidate's own connection is lost for a moment; the same interview goes on."""
    ran = await prepkit("rehearse", "--typed", *SHORT, "--json", "--drop-after", "25")

    assert (0, True, 2, []) == (ran.code, ran.json["paired"], ran.json["connections"], ran.json["lostTurns"])


@needs_flite
async def test_five_spoken_rehearsals_at_once_in_one_process(server: StartServer) -> None:
    """R-018: five candidates speak to one server process at the same time; every one gets a report of their own words."""
    house = await server(PREPKIT_MAX_CALLS="5")

    ran = await asyncio.gather(
        *(prepkit("rehearse", "--url", house.url, "--text", str(ANSWERS), *SHORT, "--json") for _ in range(5))
    )

    assert [(0, True)] * 5 == [(one.code, one.json["ok"]) for one in ran], [one.err for one in ran]
    assert [[]] * 5 == [one.json["lostTurns"] for one in ran]
    assert 5 == len({one.json["sessionId"] for one in ran})
    assert [True] * 5 == [one.json["paired"] for one in ran]


async def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    """R-018: no traceback, exit 1."""
    ran = await prepkit("rehearse", "--typed", "--url", "http://127.0.0.1:9")

    assert 1 == ran.code
    assert "Error: http://127.0.0.1:9 does not answer (ClientConnectorError).\n" == ran.err


async def test_the_demonstration_has_a_history_and_says_what_it_is(server: StartServer) -> None:
    """C.3: five finished interviews with rising scores, a banner on every page, everything removed afterwards."""
    house = await server("demo")

    async with aiohttp.ClientSession() as http:
        history = await Api(http, house.url).get("/api/interviews/history")
        report = f"/interviews/{history['interviews'][0]['sessionId']}/report"
        for path in ("/", "/history", "/privacy", report):
            async with http.get(house.url + path) as response:
                assert (200, True) == (response.status, "demo-banner" in await response.text()), path
    folder = house.log.read_text().split("Demonstration data is in ")[1].split(" and is removed")[0]
    await house.stop()

    scores = [interview["score"] for interview in reversed(history["interviews"])]
    assert 5 == len(scores) == len({interview["type"] for interview in history["interviews"]})
    # The questions are drawn by chance, so neighbours may be a point apart either way.
    assert scores[0] < scores[2] < scores[4]
    assert not Path(folder).parent.exists()
