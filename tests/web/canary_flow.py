"""A whole flow at DEBUG on a server whose every secret is a canary, for `test_canaries`. Run as a module: FOLDER; prints the pages and the secrets made on the way.

Interview, report, payment, letter, archive and erasure, and the failures at which a secret could slip into a message: a model, a mail server, a payment provider and
webhooks that refuse.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge import log
from bridge.clients.argon2 import Argon2Hasher
from bridge.config import Settings
from bridge.domain.account import Role, Scope
from bridge.usecases import people, sign_in
from web.standins.gemini import GeminiStandin
from web.standins.gemini_faults import Kind
from web.standins.stripe import StripeStandin

from .house import AGREED, JOB_SECONDS, add_recording, finished_session, running

EMAIL, PASSWORD = "canary.e.mail@example.org", "canary pass phrase 4711"
CANARIES: dict[str, str] = {
    name: f"canary{n:02}{name.replace('_', '')}0123456789"
    for n, name in enumerate(sorted(name for name, field in Settings.model_fields.items() if field.repr is False))
    if name not in ("database_url", "smtp_url", "master_key")
}
CANARIES |= {"smtp_url": "canarysmtppassword", "master_key": "ca9a47" * 10 + "4711"}
"""By setting: what must be found nowhere. A new secret setting is among them by itself. The database here is a file: its address is no secret."""


def settings(gemini: str, stripe: str) -> dict[str, Any]:
    """All of them set."""
    return CANARIES | {
        "smtp_url": f"smtp://canary:{CANARIES['smtp_url']}@127.0.0.1:1?tls=off",
        "mail_from": "PrepKit <sender@example.com>",
        "otel_headers": f"authorization={CANARIES['otel_headers']}",
        "gemini_base_url": gemini,
        "stripe_base_url": stripe,
        "vapi_base_url": "http://127.0.0.1:1",
        "voice_engine": "local",
        "payments": "stripe",
        "free_monthly": False,
        "auth_mode": "local",
        "gemini_plan": "paid",
        "log_level": "DEBUG",
    }


async def main(folder: Path) -> None:
    """From the first account to the erasure."""
    log.configure("DEBUG", "text")
    pages: dict[str, str] = {}
    secrets: list[str] = []
    async with (
        GeminiStandin(key=CANARIES["gemini_api_key"]) as gemini,
        StripeStandin(key=CANARIES["stripe_secret_key"], webhook_secret=CANARIES["stripe_webhook_secret"]) as stripe,
        running(folder, **settings(gemini.url, stripe.url)) as house,
    ):
        now = datetime.now(UTC)
        account = await people.add(house.store, EMAIL, Role.ADMIN, await Argon2Hasher().hash(PASSWORD), now)
        scopes = frozenset(Scope)
        _, token = await sign_in.make_api_token(house.store, account.id, "canary", scopes, now)
        secrets.append(token)
        as_me = {"Authorization": f"Bearer {token}"}

        async def look(method: str, path: str, **options: Any) -> tuple[int, str]:
            response, text = await house.fetch(method, path, **options)
            pages[f"{method} {path}"] = f"{response.headers}\n{text}"
            return response.status, text

        status, _ = await look("POST", "/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert status == 200
        assert (await look("POST", "/api/auth/login", json={"email": EMAIL, "password": f"{PASSWORD}!"}))[0] == 401
        await look("POST", "/api/auth/reset", json={"email": EMAIL})
        for fault in (None, Kind.UNAVAILABLE):
            if fault:
                gemini.faults.add(fault, count=None)
            status, text = await look("POST", "/api/interviews/setup", json={"type": "dsa"}, headers=as_me)
            assert status == 201, text
        made = json.loads(text)
        for failures in ([], [500] * 6):
            stripe.failures = list(failures)
            await look("POST", "/api/payments/create", json={"sessionId": made["sessionId"]}, headers=as_me)
        stripe.failures = []
        await look("POST", f"/api/interviews/{made['sessionId']}/start", json=AGREED, headers=as_me)
        for hook in ("/api/webhooks/stripe", "/api/webhooks/vapi", "/api/payments/webhook/stripe"):
            forged = {"Stripe-Signature": "t=1,v1=00", "X-Vapi-Secret": "wrong", "X-Vapi-Signature": "00"}
            await look("POST", hook, data=b"{}", headers=forged)
        done = await finished_session(house.store, account.id)
        await add_recording(house.recordings, done.id)
        paths = ["/", "/history", "/progress", "/privacy", "/account", "/plans", "/billing", "/people", "/operator", "/operator/figures",
                 "/operator/money", "/healthz", "/readyz", f"/interviews/{done.id}/report", f"/interviews/{made['sessionId']}",
                 "/api/interviews/history", f"/api/interviews/{done.id}", f"/api/interviews/{done.id}/report", "/api/openapi.json"]  # fmt: skip
        for path in paths:
            await look("GET", path, headers=as_me)
        status, _ = await look("GET", "/metrics", headers={"Authorization": f"Bearer {CANARIES['metrics_token']}"})
        assert status == 200
        await look("POST", "/api/me/export", headers=as_me)
        await look("DELETE", f"/api/interviews/{done.id}", headers=as_me)

        async def words() -> Any:
            async with house.store.read() as tx:
                return await tx.turns(done.id)

        # The letter and the archive were asked for before, so that their jobs have run too.
        async with asyncio.timeout(JOB_SECONDS):
            while await words():
                await asyncio.sleep(0.1)
    sys.stdout.write(json.dumps({"pages": pages, "made": secrets}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
