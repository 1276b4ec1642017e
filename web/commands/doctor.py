"""`prepkit doctor`: what is in order and what is not, one line each, in words.

It changes nothing: no database is made, no port is held; what it puts into a bucket it takes out again. With `--url` it also looks at a running server as a browser would find it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from bridge import config, log
from bridge.config import Payments, Settings, is_loopback
from bridge.config.secrets import configured
from bridge.errors import ModelUnavailable, PrepkitError, RecordingsAway, SettingsError, Trouble, UpstreamFailed
from bridge.language_model import LanguageModel, ModelRequest, Purpose
from pipeline.voice.available import describe
from storage import engines
from storage.database import Database

from ..operator.secret_ages import looked_up
from ..server import listen

DISTRIBUTION = "prepkit-voice-bridge"
PACKAGES = ("bridge", "pipeline", "reporting", "storage", "web")
REQUEST_TIMEOUT_SECONDS = 5
PING_SECONDS = 15


@dataclass(frozen=True)
class Finding:
    """One line of the table. `ok` None is advice: worth knowing, not broken."""

    name: str
    ok: bool | None
    says: str


MARKS = {True: "✓", False: "✗", None: "!"}


async def examine(environ: Mapping[str, str], url: str | None) -> int:
    """Print the findings; 1 when something is broken."""
    findings = await look(environ)
    if url:
        findings += await look_at(url)
    for finding in findings:
        print(f"{MARKS[finding.ok]} {finding.name:<12} {finding.says}")
    return int(any(finding.ok is False for finding in findings))


async def look(environ: Mapping[str, str]) -> list[Finding]:
    """What this machine would start with."""
    owners = packages(packages_distributions(), Path(__file__).parents[2])
    try:
        settings = config.load(environ)
    except SettingsError as error:
        return [Finding("settings", False, error.message), *owners]
    log.configure("ERROR", settings.log_format)
    return [
        Finding("settings", True, "Every PREPKIT_… setting is known and valid."),
        data_folder(settings.data_dir),
        await database(settings),
        *await secrets(settings),
        *await bucket(settings),
        *voices(settings),
        *await vapi(settings),
        *await gemini(settings),
        *await gemini_voice(settings),
        *await razorpay(settings),
        *owners,
        await port(settings),
    ]


def data_folder(folder: Path) -> Finding:
    """Whether recordings and the database can be written; looks at the nearest parent when the folder is not there yet."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding(
            "data folder", False, f"{folder} cannot be written ({error.strerror}). Set PREPKIT_DATA_DIR to another folder."
        )
    free = os.statvfs(there)
    gigabytes = free.f_bavail * free.f_frsize / 1e9
    made = "" if folder.exists() else " It is made at the first start."
    return Finding("data folder", True, f"{folder} can be written, {gigabytes:.1f} GB free.{made}")


async def database(settings: Settings) -> Finding:
    """Whether it answers and is at the migration this version needs."""
    try:
        parsed = engines.parse(settings.database)
        if engines.is_sqlite(parsed) and not Path(str(parsed.database)).exists():
            return Finding("database", True, "There is none yet; it is made at the first start.")
        opened = await Database.open(settings.database)
        try:
            await opened.ping()
        finally:
            await opened.close()
    except PrepkitError as error:
        return Finding("database", False, error.message)
    except (SQLAlchemyError, OSError) as error:
        return Finding("database", False, f"It cannot be used ({type(error).__name__}).")
    return Finding("database", True, "It can be written and is at the newest migration.")


async def secrets(settings: Settings) -> list[Finding]:
    """How old the secret settings are, as servers on this database have seen them (C-52)."""
    parsed = engines.parse(settings.database)
    if not configured(settings) or (engines.is_sqlite(parsed) and not Path(str(parsed.database)).exists()):
        return []
    try:
        opened = await Database.open(settings.database)
        try:
            found = await looked_up(settings, opened, datetime.now(UTC))
        finally:
            await opened.close()
    except (PrepkitError, SQLAlchemyError, OSError):
        # The line about the database says what is wrong with it.
        return []
    old = [age for age in found if age.old(settings.key_days)]
    if old:
        named = ", ".join(f"{age.variable} ({age.days} days)" for age in old)
        return [Finding("keys", None, f"Exchange what has been the same for {settings.key_days} days or more: {named}.")]
    known = [age.days for age in found if age.days is not None]
    unseen = len(found) - len(known)
    news = f" {unseen} of them no server has seen yet." if unseen else ""
    return [Finding("keys", True, f"{len(found)} set, the oldest for {max(known, default=0)} days.{news}")]


BUCKET_SAYS = {
    "no_bucket": "There is no bucket {name}. Make it, or correct PREPKIT_RECORDINGS_URL.",
    "bad_key": "The store does not accept the key. Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and this machine's clock.",
    "not_allowed": "The key may not do that. It needs s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket on {name}.",
    "wrong_region": "The bucket {name} is in another region. Set AWS_REGION.",
    "unreachable": "The store cannot be reached. Look at AWS_ENDPOINT_URL, and whether this machine may connect there. Without a key the machine needs a role.",
    "broken": "The store answers, but not as S3 would. Look at AWS_ENDPOINT_URL.",
}


async def bucket(settings: Settings) -> list[Finding]:
    """Whether recordings can be put into the bucket, read and deleted; a small object is made and removed."""
    if settings.bucket is None:
        return []
    from ..carrying import bucket_of

    try:
        await asyncio.to_thread(bucket_of(settings, settings.bucket).check)
    except SettingsError as error:
        return [Finding("recordings", False, error.message)]
    except RecordingsAway as error:
        says = BUCKET_SAYS[error.reason].format(name=settings.bucket.name)
        its = f" It says: {error.vendor_says}." if error.vendor_says else ""
        return [Finding("recordings", False, f"{says}{its}")]
    return [Finding("recordings", True, f"{settings.bucket} can be written, read and deleted in.")]


def voices(settings: Settings) -> list[Finding]:
    """What will hear and speak."""
    found = describe(settings.recogniser.value, settings.speech.value)
    ears = found.recogniser[:1].upper() + found.recogniser[1:]
    if settings.recogniser.value not in ("auto", "none") and not found.hears:
        hearing = Finding(
            "recogniser", False, f"{settings.recogniser.value} is not installed; PREPKIT_RECOGNISER=auto takes what there is."
        )
    elif not found.hears:
        advice = "" if settings.recogniser.value == "none" else " To hear speech, install the `embedded` or the `local` extra."
        hearing = Finding("recogniser", None, f"{ears}.{advice}")
    else:
        hearing = Finding("recogniser", True, f"{ears}.")
    if found.speaks:
        return [hearing, Finding("voice", True, f"{found.voice[:1].upper() + found.voice[1:]}.")]
    if settings.speech.value != "auto":
        return [
            hearing,
            Finding("voice", False, f"{settings.speech.value} is not installed; PREPKIT_SPEECH=auto takes what there is."),
        ]
    return [hearing, Finding("voice", False, "None is installed: install flite (apt-get install flite) or the `embedded` extra.")]


async def vapi(settings: Settings) -> list[Finding]:
    """Whether Vapi takes the key; one cheap request that makes no call."""
    if "vapi" not in settings.engines:
        return []
    from bridge.clients.vapi import VapiClient

    client = VapiClient(settings.vapi_api_key, settings.vapi_base_url, lambda ws: ws)
    try:
        await client.check_key()
    except UpstreamFailed as error:
        return [Finding("vapi", False, f"{error.message} Check VAPI_API_KEY (a private key) and VAPI_BASE_URL.")]
    finally:
        await client.close()
    return [
        Finding(
            "vapi", True, "The key is accepted. Vapi asks our tools at PREPKIT_PUBLIC_URL; it must be reachable from outside."
        )
    ]


class Ping(BaseModel):
    """The smallest answer."""

    ok: bool


GEMINI_SAYS = {
    Trouble.UNAUTHORISED: "Google does not accept the key. Make one at aistudio.google.com and set GEMINI_API_KEY.",
    Trouble.QUOTA: "The key has no quota left for {model}. Look at its plan and billing at aistudio.google.com.",
    Trouble.UNKNOWN_MODEL: "Google does not know the model {model}. Set {settings} to one of ai.google.dev/gemini-api/docs/models.",
    Trouble.REJECTED: "{model} does not take what is set for it: look at {settings} and the settings beside it.",
    Trouble.UNREACHABLE: "Google cannot be reached. Check GEMINI_BASE_URL and whether this machine may open https connections.",
}
"""What is broken; any other trouble may pass by itself."""


async def gemini(settings: Settings) -> list[Finding]:
    """Whether Gemini answers; one tiny call for each model that is set."""
    if not settings.gemini_api_key:
        return []
    from bridge.clients.gemini import Gemini

    from .. import language_model

    options = language_model.options(settings)
    users: dict[tuple[str, str], list[Purpose]] = {}
    for purpose, sampling in options.samplings.items():
        users.setdefault((sampling.model, sampling.thinking), []).append(purpose)
    client, findings = Gemini(options), []
    await client.open()
    try:
        for (model, _), purposes in users.items():
            findings.append(await _ping(client, model, purposes))
    finally:
        await client.close()
    # A wrong key is wrong for every model.
    return findings if len({finding.says for finding in findings}) > 1 else findings[:1]


async def gemini_voice(settings: Settings) -> list[Finding]:
    """Whether Gemini Live takes key and model; a session is set up and left, which costs nothing."""
    if "gemini" not in settings.engines:
        return []
    from bridge.clients.gemini_live import LiveOptions, check

    model = settings.gemini_model_voice
    ended = await check(LiveOptions(settings.gemini_api_key, settings.gemini_base_url), model)
    if ended is None:
        return [Finding("gemini voice", True, f"{model} takes calls.")]
    next_engine = settings.engines[settings.engines.index("gemini") + 1]
    return [
        Finding(
            "gemini voice",
            False if ended.final else None,
            f"{model}: {ended.message} Look at PREPKIT_GEMINI_MODEL_VOICE and GEMINI_API_KEY; until then interviews go on with the {next_engine} engine.",
        )
    ]


RAZORPAY_SAYS = {
    "razorpay_401": "Razorpay does not accept the key. Check RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET: they are made together and belong "
    "to one mode, test or live.",
    "razorpay_unreachable": "Razorpay cannot be reached. Check RAZORPAY_BASE_URL and whether this machine may open https connections.",
}
"""What is broken; any other trouble may pass by itself."""


async def razorpay(settings: Settings) -> list[Finding]:
    """Whether Razorpay takes the key; one cheap request that makes nothing."""
    if settings.payments is not Payments.RAZORPAY:
        return []
    from bridge.clients.razorpay import RazorpayCheckout

    client = RazorpayCheckout(
        settings.razorpay_key_id, settings.razorpay_key_secret, settings.razorpay_webhook_secret, settings.razorpay_base_url
    )
    try:
        await client.check_key()
    except UpstreamFailed as error:
        broken = RAZORPAY_SAYS.get(error.reason)
        says = broken or f"It does not answer as it should just now ({error.reason}). Until it does, nothing can be paid."
        return [Finding("razorpay", False if broken else None, says)]
    finally:
        await client.close()
    mode = "Payments are real." if client.livemode else "It is a test key: no real money moves."
    events = "Its webhook must point at PREPKIT_PUBLIC_URL followed by /api/webhooks/razorpay."
    return [Finding("razorpay", True, f"The key is accepted. {mode} {events}")]


async def _ping(client: LanguageModel, model: str, purposes: list[Purpose]) -> Finding:
    names = " and ".join(f"PREPKIT_GEMINI_MODEL_{purpose.upper()}" for purpose in purposes)
    user = "Answer with ok set to true."
    request = ModelRequest(purposes[0], "doctor.1", "You answer health checks.", user, Ping, deadline_seconds=PING_SECONDS)
    try:
        reply = await client.ask(request)
    except ModelUnavailable as error:
        broken = GEMINI_SAYS.get(error.trouble)
        says = (
            broken.format(model=model, settings=names)
            if broken
            else f"{error.message} Until it answers, interviews use the bank."
        )
        vendor = f" Google says: {error.vendor_says}" if error.vendor_says else ""
        return Finding("gemini", False if broken else None, f"{says}{vendor}")
    return Finding("gemini", True, f"{model} answers in {reply.usage.ms / 1000:.1f} s, for {' and '.join(purposes)}.")


def packages(owners: Mapping[str, list[str]], home: Path) -> list[Finding]:
    """Whether each of our top-level names is ours alone: another distribution with the same name overwrites files without a word."""
    problems = []
    for name in PACKAGES:
        others = sorted(set(owners.get(name, [])) - {DISTRIBUTION})
        spec = find_spec(name)
        if others:
            problems.append(f"{name} is also installed by {', '.join(others)}")
        elif spec is None or spec.origin is None or Path(spec.origin).parents[1] != home:
            problems.append(f"{name} is found elsewhere than beside this program")
    if problems:
        return [Finding("packages", False, f"{'; '.join(problems)}. Install {DISTRIBUTION} alone in a virtual environment.")]
    return [Finding("packages", True, f"{', '.join(PACKAGES)} are this program's own.")]


async def port(settings: Settings) -> Finding:
    """Whether the server could listen; a PrepKit that already does is no fault."""
    try:
        listen(settings).close()
    except SettingsError as error:
        url = f"http://{settings.host}:{settings.port}"
        if await _answers(url, "/healthz") == 200:
            return Finding("port", None, f"A server answers at {url} already; a second one needs another PREPKIT_PORT.")
        return Finding("port", False, error.message)
    return Finding("port", True, f"{settings.host}:{settings.port} is free.")


async def _answers(url: str, path: str) -> int | None:
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url + path) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None


async def look_at(url: str) -> list[Finding]:
    """A running server, as a browser would find it."""
    url = url.rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [Finding("url", False, f"{url} is no http or https address.")]
    findings = [microphone(parts.scheme, parts.hostname)]
    alive = await _answers(url, "/healthz")
    if alive != 200:
        says = "Nobody answers" if alive is None else f"/healthz answers {alive}"
        return [*findings, Finding("alive", False, f"{says} at {url}.")]
    findings.append(Finding("alive", True, f"{url}/healthz answers."))
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{url}/readyz") as response:
            body = await response.json()
        checks = body["checks"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return [*findings, Finding("ready", False, f"{url}/readyz gives no answer that PrepKit would give.")]
    reasons = [f"{name}: {check.get('reason') or 'not ready'}" for name, check in checks.items() if not check["ok"]]
    if reasons:
        return [*findings, Finding("ready", False, " ".join(reasons))]
    return [*findings, Finding("ready", True, "Database, voice and capacity are there.")]


def microphone(scheme: str, host: str) -> Finding:
    """Whether a browser would give the page a microphone at this address."""
    if scheme == "https":
        return Finding("microphone", True, "https: browsers offer the microphone.")
    if is_loopback(host):
        return Finding("microphone", True, "http on this machine itself: browsers offer the microphone.")
    says = "browsers refuse the microphone on plain http from another machine. Put https in front of it, or open it on the machine itself."
    return Finding("microphone", False, f"{host}: {says}")
