"""Settings of where recordings lie: a folder, or a bucket of an S3-compatible store under AWS's own variable names (R-112, contract §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from .fields import vendor

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")


@dataclass(frozen=True)
class Bucket:
    """A place in an S3-compatible store."""

    name: str
    prefix: str
    """Before every name, without slashes at its ends; may be empty."""

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


class RecordingSettings(BaseModel):
    """The part about recordings."""

    recordings_url: str = Field(
        "",
        description="Folder in the data folder when empty, a `file://` folder, or `s3://bucket/prefix` of an S3-compatible store (needs the `s3` extra).",
    )
    aws_access_key_id: str = vendor(
        "AWS_ACCESS_KEY_ID", "", "Key of the S3-compatible store; the machine's own role where it is empty.", secret=True
    )
    aws_secret_access_key: str = vendor("AWS_SECRET_ACCESS_KEY", "", "The secret of that key.", secret=True)
    aws_session_token: str = vendor("AWS_SESSION_TOKEN", "", "Token of a key that is lent for a while.", secret=True)
    aws_region: str = vendor("AWS_REGION", "us-east-1", "Region of the bucket; stores of one's own mostly take any.")
    aws_endpoint_url: str = vendor("AWS_ENDPOINT_URL", "", "Address of a store that is not AWS, for example `http://store:9000`.")

    @model_validator(mode="after")
    def _recordings_can_be_found(self) -> Self:
        scheme = urlsplit(self.recordings_url).scheme
        if scheme not in ("", "file", "s3"):
            raise ValueError("PREPKIT_RECORDINGS_URL must be a folder, file:///folder or s3://bucket/prefix")
        if scheme != "s3":
            return self
        found = self.bucket
        if found is None or not BUCKET.fullmatch(found.name):
            raise ValueError("PREPKIT_RECORDINGS_URL names no bucket: it must look like s3://bucket/prefix")
        if found.prefix and not PREFIX.fullmatch(found.prefix):
            raise ValueError("PREPKIT_RECORDINGS_URL: behind the bucket letters, digits, - _ . and single slashes may stand")
        endpoint = urlsplit(self.aws_endpoint_url)
        if self.aws_endpoint_url and not (endpoint.scheme in ("http", "https") and endpoint.hostname):
            raise ValueError("AWS_ENDPOINT_URL must be an http or https URL")
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            raise ValueError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both or neither")
        return self

    @property
    def bucket(self) -> Bucket | None:
        """The bucket of the recordings, where they do not lie in a folder."""
        parts = urlsplit(self.recordings_url)
        return Bucket(parts.netloc, parts.path.strip("/")) if parts.scheme == "s3" else None
