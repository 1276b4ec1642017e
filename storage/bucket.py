"""One bucket of an S3-compatible store, through obstore: put, read a range, list, delete, each tried a bounded number of times (R-112).

Whatever goes wrong is a `RecordingsAway` whose reason tells a wrong key from a missing bucket from a store that is away; a store's own words may hold names and are left out,
its code is kept. Imported only where `PREPKIT_RECORDINGS_URL` names a bucket. Methods block: call them from a thread. Read next: `bucket_recordings`.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from bridge.errors import RecordingsAway

MULTIPART_BYTES = 32 * 1024 * 1024
"""Larger files go up in parts; below, one request either comes through whole or leaves nothing behind."""
AHEAD_BYTES = 512 * 1024
"""What is fetched at once: players read on, and a request costs more than its bytes."""
READ_SECONDS = 10
CARRY_SECONDS = 120
"""A request that carries a file up: twenty megabytes over a slow line. A store that takes and does not answer keeps a stop waiting so long."""
TRIES = 3
RETRY_SECONDS = 20
REASONS = {
    "NoSuchBucket": "no_bucket",
    "InvalidBucketName": "no_bucket",
    "InvalidAccessKeyId": "bad_key",
    "SignatureDoesNotMatch": "bad_key",
    "InvalidToken": "bad_key",
    "ExpiredToken": "bad_key",
    "AccessDenied": "not_allowed",
    "AllAccessDisabled": "not_allowed",
    "PermanentRedirect": "wrong_region",
    "AuthorizationHeaderMalformed": "wrong_region",
    "IllegalLocationConstraintException": "wrong_region",
}
"""Ours by the store's own code."""


class Bucket:
    """A bucket and the prefix before every name in it."""

    def __init__(
        self, name: str, prefix: str, *, endpoint: str, region: str, key_id: str, secret: str, token: str = "", try_seconds: int = RETRY_SECONDS
    ) -> None:  # fmt: skip
        given = {"region": region, "endpoint": endpoint, "access_key_id": key_id, "secret_access_key": secret, "token": token}
        config = {name: value for name, value in given.items() if value}

        def store(seconds: int) -> S3Store:
            return S3Store(
                name,
                prefix=prefix or None,
                config=config,  # type: ignore[arg-type]  # a TypedDict of the same names
                client_options={"allow_http": True, "connect_timeout": "3s", "timeout": f"{seconds}s"},
                retry_config={"max_retries": TRIES - 1, "retry_timeout": timedelta(seconds=try_seconds)},
            )

        self._reading, self._carrying = store(READ_SECONDS), store(CARRY_SECONDS)

    def put(self, file: Path, name: str) -> None:
        """Carry a file up, in the place of whatever has the name; it is all there when this returns. Raises RecordingsAway, OSError of the file."""
        size = file.stat().st_size
        content = file if size > MULTIPART_BYTES else file.read_bytes()
        try:
            obstore.put(self._carrying, name, content, use_multipart=size > MULTIPART_BYTES)
            there = obstore.head(self._reading, name)["size"]
        except (BaseError, OSError) as error:
            raise _away(error) from error
        if there != size:
            raise RecordingsAway(reason="broken", vendor_says=f"{there} of {size} bytes")

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes by name of what lies under a folder. Raises RecordingsAway."""
        try:
            return {entry["path"]: entry["size"] for page in obstore.list(self._reading, prefix=folder) for entry in page}
        except (BaseError, OSError) as error:
            raise _away(error) from error

    def read(self, name: str, start: int, count: int) -> bytes:
        """`count` bytes from `start` on, which must be there. Raises RecordingsAway."""
        try:
            return bytes(obstore.get_range(self._reading, name, start=start, length=count))
        except (BaseError, OSError) as error:
            raise _away(error) from error

    def delete(self, name: str) -> None:
        """Delete it; nothing happens when it is not there. Raises RecordingsAway."""
        try:
            obstore.delete(self._reading, name)
        except FileNotFoundError as error:
            if _code(error) == "NoSuchBucket":
                raise _away(error) from error
        except (BaseError, OSError) as error:
            raise _away(error) from error

    def check(self) -> None:
        """Put a small object, list it, read it and delete it. Raises RecordingsAway."""
        folder = f"check-{secrets.token_hex(8)}"
        name, words = f"{folder}/x", b"prepkit doctor"
        try:
            obstore.put(self._reading, name, words, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _away(error) from error
        listed, read = self.sizes(folder), self.read(name, 0, len(words))
        self.delete(name)
        if listed != {name: len(words)} or read != words:
            raise RecordingsAway(reason="broken")


class ObjectBlob:
    """Implements `sealing.Blob`: an object whose size is known, fetched ahead."""

    def __init__(self, bucket: Bucket, name: str, size: int) -> None:
        self._bucket, self._name, self.size = bucket, name, size
        self._from, self._fetched = 0, b""

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on. Raises RecordingsAway."""
        count = max(0, min(count, self.size - start))
        at = start - self._from
        if count and not 0 <= at <= len(self._fetched) - count:
            self._fetched = self._bucket.read(self._name, start, min(max(count, AHEAD_BYTES), self.size - start))
            self._from, at = start, 0
        return self._fetched[at : at + count]

    def close(self) -> None:
        """Let go of what was fetched."""
        self._fetched = b""


def _code(error: Exception) -> str:
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found[1] if found else ""


def _away(error: Exception) -> RecordingsAway:
    code, text = _code(error), str(error)
    status = re.search(r"status code: (\d{3})", text)
    if code in REASONS:
        reason = REASONS[code]
    elif status is None:
        reason = "unreachable"
    else:
        reason = {"401": "bad_key", "403": "not_allowed", "301": "wrong_region"}.get(status[1], "broken")
    return RecordingsAway(reason=reason, vendor_says=code or (status[1] if status else ""))
