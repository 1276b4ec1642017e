"""Pipecat's own evals harness as an outside client of our interviewer: no judge, no model, no network (acceptance of R-046, R-047 and the RTVI wire)."""

import json
import shutil
import subprocess
from pathlib import Path
from string import Template

import pytest
import pytest_asyncio
from aiohttp import web
from pipecat.evals.scenario import EvalScenarioFile
from pipecat.evals.session import EvalSession, EvalSessionParams

from bridge import bank
from bridge.config import Settings
from web import routes

from ..live import running

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCENARIOS = Path(__file__).with_name("interview.yaml")
SAID = "I would use a loop and look at every element of the list."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server of ours with the evals socket."""
    async with running(tmp_path_factory.mktemp("evals"), evals=True, recogniser="auto") as server:
        yield server


async def play(server, name, tmp_path, **filled):
    """Set an interview up over the public API and let the harness hold it by one scenario."""
    made = await server.set_up(type="dsa", difficulty="easy", focusAreas=["arrays"], followUpStyle="balanced")
    known = {question.id: question for question in bank.questions()}
    asked = [known[question["id"]] for question in made["questions"]]
    filled |= {
        "first_id": asked[0].id,
        "first_question": asked[0].spoken,
        "second_question": asked[1].spoken,
        "model_answer": asked[0].model_answer,
    }
    text = Template(SCENARIOS.read_text()).safe_substitute({key: json.dumps(value)[1:-1] for key, value in filled.items()})
    (tmp_path / "interview.yaml").write_text(text)
    scenarios = {s.name: s for s in EvalScenarioFile.load(tmp_path / "interview.yaml").scenarios}
    url, token = await server.start(made["sessionId"])
    run = EvalSession.from_scenario(
        scenarios[f"interview/{name}"],
        f"{url.replace('/ws/', '/eval/')}?token={token}",
        params=EvalSessionParams(default_timeout_ms=30_000),
    )
    result = await run.run()
    await server.status(made["sessionId"], "interrupted")
    return made["sessionId"], result


async def test_the_harness_holds_a_typed_interview(server, tmp_path):
    """A thin answer brings getFollowUpQuestion for that question, a full one moveToNextQuestion and question two, then nothing more (R-046, R-047)."""
    session_id, result = await play(server, "typed", tmp_path)

    assert result.passed, "\n".join([*map(str, result.failures), *result.debug_log])
    assert [turn["source"] for turn in await server.turns(session_id)] == ["typed", "typed"]


async def test_the_harness_speaks_to_the_interviewer(server, tmp_path):
    """A recorded voice goes through voice detection and the recogniser to the same follow-up (R-045, R-047)."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed, so there is no voice to record (apt-get install flite)")
    recording = tmp_path / "thin.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", SAID, "-o", recording], check=True)

    session_id, result = await play(server, "spoken", tmp_path, said=SAID, heard="element of the list", recording=str(recording))

    assert result.passed, "\n".join([*map(str, result.failures), *result.debug_log])
    assert [turn["source"] for turn in await server.turns(session_id)] == ["speech"]


async def test_the_harness_needs_a_token_like_anybody(server):
    """The evals socket lets nobody in without a token (contract §5)."""
    made = await server.set_up()
    url, _ = await server.start(made["sessionId"])

    assert await server.close_code(url.replace("/ws/", "/eval/"), "wrong") == 4401


async def test_only_an_application_made_for_it_has_the_evals_socket():
    """No setting opens the evals socket: an application has its route only when it was made with `evals=True` (contract §5 knows two wires)."""
    plain = web.Application()
    routes.add(plain)
    asked = web.Application()
    routes.add(asked)
    routes.add_evals(asked)
    paths = [{route.resource.canonical for route in app.router.routes()} for app in (plain, asked)]

    assert [{path for path in found if path.startswith("/eval")} for found in paths] == [set(), {"/eval/interviews/{session_id}"}]
    assert not [name for name in Settings.model_fields if "eval" in name]
