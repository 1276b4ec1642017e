"""The image, without a container engine: the Dockerfile's text, and its very steps replayed in an empty root by an unprivileged user on a read-only tree."""

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from .dockerfile import ROOT, ignored, read

OUTER, STAGES = read()
BUILD, FINAL = STAGES
UID = 10001
IGNORE = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
MOST_MB = 300


def test_the_image_is_pinned_small_and_unprivileged():
    """One base by digest for both stages, locked packages, a fixed user, no curl, no shell between SIGTERM and the server."""
    final = " ".join(text for _, text in FINAL.steps)

    assert BUILD.base == FINAL.base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", BUILD.base)
    assert all("--locked" in text for text in BUILD.all("RUN") if "uv sync" in text)
    assert FINAL.all("USER") == [f"{UID}:{UID}"]
    assert f"install -d -o {UID} -g {UID}" in final
    assert "curl" not in final
    assert json.loads(FINAL.all("ENTRYPOINT")[0]) == ["prepkit"]
    assert json.loads(FINAL.all("CMD")[0]) == ["serve"]
    assert FINAL.all("STOPSIGNAL") == ["SIGTERM"]
    assert "org.opencontainers.image.licenses" in final
    assert FINAL.steps.index(("USER", f"{UID}:{UID}")) > max(
        i for i, (name, _) in enumerate(FINAL.steps) if name in ("RUN", "COPY")
    )


def test_the_build_uses_the_same_uv_as_make():
    """One version of the installer."""
    wanted = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())

    assert wanted
    assert any(f"uv=={wanted[1]}" in text for text in BUILD.all("RUN"))


def test_nothing_but_the_product_reaches_the_build():
    """`.dockerignore` lets in what COPY names, and neither data nor secrets nor tests."""
    for sources in BUILD.all("COPY"):
        *names, _ = shlex.split(sources)
        assert not [name for name in names if ignored(name, IGNORE)]

    outside = (
        "data/prepkit.db",
        ".env",
        ".git/config",
        "tests/samples.py",
        ".venv/bin/python",
        "web/__pycache__/app.cpython-311.pyc",
    )
    assert [path for path in outside if not ignored(path, IGNORE)] == []


@pytest.fixture(scope="module")
def image():
    """The build stage replayed: an empty root that holds /src and /app, made by the Dockerfile's own commands."""
    # Not pytest's own folder: other users may not enter that.
    root = Path(tempfile.mkdtemp(prefix="prepkit-image-"))
    root.chmod(0o755)
    python = reachable_python()
    if python is None:
        shutil.rmtree(root)
        pytest.skip("no Python 3.11+ on this machine that another user may run")
    places = {"/src": str(root / "src"), "/app": str(root / "app"), "/root/.cache/uv": ""}
    inside = {name: place(value, places) for name, value in BUILD.environment().items()}
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": os.environ["HOME"],
        "UV_PYTHON": python,
    } | inside
    # Where this machine's packages come from is this machine's affair.
    environment |= {
        name: value for name, value in os.environ.items() if name.startswith(("UV_INDEX", "UV_DEFAULT_INDEX", "PIP_", "SSL_"))
    }
    for name, text in BUILD.steps:
        if name == "WORKDIR":
            (root / text.lstrip("/")).mkdir(parents=True)
        elif name == "COPY":
            *sources, target = shlex.split(text)
            copy(sources, root / "src" / target)
        elif name == "RUN" and "pip install" not in text:
            command = place(re.sub(r"--mount=\S+ ", "", text), places)
            ran = subprocess.run(
                ["sh", "-ec", command], cwd=root / "src", env=environment, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stderr[-2000:]
    shutil.rmtree(root / "src")
    (root / "data").mkdir(mode=0o750)
    if os.geteuid() == 0:
        os.chown(root / "data", UID, UID)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def reachable_python() -> str | None:
    """An interpreter that the image's user may run."""
    base = Path(sys.base_prefix).resolve() / "bin" / f"python3.{sys.version_info.minor}"
    found = [base, Path("/usr/bin/python3.11"), Path("/usr/bin/python3.12"), Path("/usr/bin/python3.13")]
    return next(
        (str(path) for path in found if path.exists() and (os.geteuid() or all(p.stat().st_mode & 1 for p in path.parents))), None
    )


def place(text: str, places: dict[str, str]) -> str:
    """A command with the image's paths moved under the replayed root."""
    for inside, outside in places.items():
        text = re.sub(rf"(?<![\w./]){re.escape(inside)}(?=[/:\s]|$)", outside, text)
    return text


def copy(sources: list[str], target: Path) -> None:
    """What COPY does: tracked files only, as a clean clone has them."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *sources], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for path in filter(None, listed):
        if ignored(path, IGNORE) or not (ROOT / path).exists():
            continue
        first = next(source for source in sources if path == source or path.startswith(f"{source}/"))
        to = target / (Path(path).relative_to(first) if path != first else Path(path).name)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, to)


def command_of(image: Path, *arguments: str) -> list[str]:
    """A command of the image: as its user without any capability, on a tree mounted read-only; as ourselves where we are not root."""
    program = str(image / "app" / ".venv" / "bin" / "prepkit")
    if os.geteuid():
        return [program, *arguments]
    app = shlex.quote(str(image / "app"))
    drop = f"setpriv --reuid {UID} --regid {UID} --clear-groups --bounding-set=-all --no-new-privs"
    script = f'mount --bind {app} {app} && mount -o remount,bind,ro {app} && exec {drop} "$@"'
    return ["unshare", "--mount", "sh", "-ec", script, "sh", program, *arguments]


def environment_of(image: Path, port: int) -> dict[str, str]:
    """What the image's final stage sets, on loopback for the test."""
    places = {"/app": str(image / "app"), "/data": str(image / "data")}
    inside = {name: place(value, places) for name, value in FINAL.environment().items()}
    return inside | {
        "PATH": f"{image}/app/.venv/bin:/usr/bin:/bin",
        "PREPKIT_HOST": "127.0.0.1",
        "PREPKIT_PORT": str(port),
    }


def test_the_replayed_image_is_small(image):
    """≤ 300 MB of packages without byte code and optional extras (issue: slim install)."""
    slim = [p for p in (image / "app").rglob("*") if p.is_file() and not p.is_symlink() and p.suffix != ".pyc"]
    extras = (
        "pocketsphinx",
        "espeakng_loader",
        "weasyprint",
        "fonttools",
        "fontTools",
        "pydyf",
        "tinycss2",
        "tinyhtml5",
        "pyphen",
        "brotli",
        "zopfli",
        "opentelemetry",
        "obstore",
    )
    # Megabytes as `du` counts them, like the figures this limit was set by.
    megabytes = sum(p.stat().st_size for p in slim if not any(f"site-packages/{name}" in str(p) for name in extras)) / 2**20
    packages = {p.name for p in (image / "app").glob(".venv/lib/python3.*/site-packages/*")}
    heavy = packages & {"numba", "llvmlite", "resampy", "dbos_enterprise", "pytest"}

    assert megabytes <= MOST_MB
    assert heavy == set()


def test_the_replayed_image_serves_and_leaves_on_sigterm(image, unused_tcp_port):
    """As uid 10001, read-only: ready, healthy by the image's own HEALTHCHECK, writes only /data, and SIGTERM ends process 1 with 0."""
    environment = environment_of(image, unused_tcp_port)
    server = subprocess.Popen(
        command_of(image, "serve"), env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        await_ready(server, unused_tcp_port)
        check = json.loads(FINAL.all("HEALTHCHECK")[0].split("CMD", 1)[1])
        healthy = subprocess.run(
            [str(image / "app/.venv/bin/python"), *check[1:]], env=environment, capture_output=True, text=True, check=False
        )
        if os.geteuid() == 0:
            status = Path(f"/proc/{server.pid}/status").read_text()
            assert f"Uid:\t{UID}" in status
            assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    finally:
        server.terminate()
        output, _ = server.communicate(timeout=40)

    assert healthy.returncode == 0, healthy.stderr
    assert server.returncode == 0, output
    assert (image / "data" / "prepkit.db").exists()
    assert "PrepKit is ready" in output


def await_ready(server: subprocess.Popen[str], port: int) -> None:
    """Until /readyz says yes; shows what the server printed when it ends instead."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise AssertionError(server.stdout.read() if server.stdout else "")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("not ready after 120 s")


def test_an_unwritable_data_folder_is_said_in_one_line(image, unused_tcp_port):
    """The volume belongs to somebody else: one sentence with the command to run, no traceback."""
    if os.geteuid():
        pytest.skip("only root can make a folder that belongs to somebody else")
    locked = image / "locked"
    locked.mkdir(exist_ok=True, mode=0o755)
    ran = subprocess.run(
        command_of(image, "serve"), env=environment_of(image, unused_tcp_port) | {"PREPKIT_DATA_DIR": str(locked)},
        cwd="/", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ran.returncode == 1
    assert "chown" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_help_is_quick(image):
    """`prepkit --help` in the image stays under half a second of CPU (contract §2), three tries for a busy machine."""
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([image / "app/.venv/bin/prepkit", "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(used) < 0.5
