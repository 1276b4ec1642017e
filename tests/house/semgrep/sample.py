"""What the rule of `secrets.yaml` must find, each after a `ruleid` line, and what it must leave alone; never imported."""

import hmac


async def wrong(request, settings, tx, store):
    """Each takes the longer the more of it is right."""
    # ruleid: secret-compared-for-equality
    if request.headers["X-Secret"] == settings.webhook_secret:
        return True
    # ruleid: secret-compared-for-equality
    if settings.webhook_secret != request.headers["X-Secret"]:
        return False
    # ruleid: secret-compared-for-equality
    if hmac.new(settings.key, await request.read(), "sha256").hexdigest() == request.query["s"]:
        return True
    # ruleid: secret-compared-for-equality
    if request.query["s"] == hmac.digest(settings.key, b"", "sha256"):
        return True
    # ruleid: secret-compared-for-equality
    if await tx.password(request.query["user"]) != request.query["password"]:
        return False
    # ruleid: secret-compared-for-equality
    if store.tokens[0] == request.query["t"]:
        return True
    # ruleid: secret-compared-for-equality
    if request.query["s"] in ("a", "b") or request.query["s"] == store.signature():
        return True
    # ruleid: secret-compared-for-equality
    return store.invite_code == request.query["code"]


def right(request, settings, response):
    """Equal time, literals, and what is no secret."""
    if settings.webhook_secret == "" or settings.token is None or settings.api_key != "":
        return False
    if response.status_code == request.query["status"] or response.code == request.query["code"]:
        return False
    return hmac.compare_digest(settings.webhook_secret, request.headers["X-Secret"])
