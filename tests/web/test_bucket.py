"""A server whose recordings lie in an S3-compatible store: carried up by itself, played over HTTP, erased with a receipt, explained by `prepkit doctor`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import SettingsError
from bridge.usecases import privacy as privacy_case
from web.commands import doctor

from ..s3 import BUCKET, S3Server, s3_server
from .house import AGREED, House, add_recording, house

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A store with an empty bucket."""
    with s3_server() as server:
        yield server


def environment(s3: S3Server, folder: Path) -> dict[str, str]:
    """What an operator sets."""
    return {
        "PREPKIT_DATA_DIR": str(folder),
        "PREPKIT_PORT": "0",
        "PREPKIT_RECORDINGS_URL": f"s3://{BUCKET}/voice",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": s3.url,
    }
