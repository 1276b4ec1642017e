"""Without keys nothing leaves the machine (P6)."""

import json
import subprocess
import sys
from pathlib import Path

FLOW = """
import asyncio, json, sys, tempfile
from pathlib import Path

asked = []

def guard(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        asked.append(str(arguments[1]))
    elif event == "socket.getaddrinfo":
        asked.append(str(arguments[0]))

sys.addaudithook(guard)

async def main():
    from tests.web.house import AGREED, running, add_recording
    async with running(Path(tempfile.mkdtemp())) as house:
        made = await house.set_up()
        assert (await house.call("POST", f"/api/interviews/{made['sessionId']}/start", json=AGREED))[0] == 200
        done = await house.finished()
        await add_recording(house.recordings, done.id)
        for path in ("/", "/history", "/progress", "/privacy", "/account", f"/interviews/{done.id}/report"):
            assert (await house.fetch("GET", path))[0].status == 200, path
        assert (await house.fetch("GET", f"/api/interviews/{done.id}/recording"))[0].status == 200
        assert (await house.call("POST", "/api/me/export"))[0] == 202
        assert (await house.call("DELETE", "/api/me", json={"confirm": True}))[0] == 200

asyncio.run(main())
print(json.dumps(asked))
"""
OURS = ("127.0.0.1", "::1", "localhost")


def test_a_whole_interview_asks_nobody_outside():
    """P6: from set-up to erasure, every connection, datagram and name that is looked up is this machine's own."""
    run = subprocess.run(
        [sys.executable, "-c", FLOW], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], timeout=120
    )
    assert run.returncode == 0, run.stderr[-3_000:]
    asked = json.loads(run.stdout.splitlines()[-1])

    assert asked, "the guard saw nothing, not even our own requests"
    assert [place for place in asked if not any(name in place for name in OURS)] == []
