"""Settings of privacy: the key of what is encrypted at rest, and how long each kind of thing is kept (R-112, R-114, C-52)."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ..domain.privacy import Retention


class PrivacySettings(BaseModel):
    """The part about privacy."""

    master_key: str = Field(
        "",
        repr=False,
        description="Master key of the encryption at rest, 32 bytes as base64 or hexadecimal; older ones behind it after commas, until `prepkit keys rotate` "
        "was run. Made and kept in the data folder when empty.",
    )
    retention_days: int = Field(90, ge=1, le=3650, description="Days recordings and transcripts are kept.")
    retention_recording_days: int | None = Field(
        None, ge=1, le=3650, description="Days recordings are kept, when less than transcripts and reports."
    )
    retention_export_days: int = Field(7, ge=1, le=90, description="Days an archive made for download is kept.")

    @property
    def retention(self) -> Retention:
        """The clocks."""
        return Retention(self.retention_recording_days or self.retention_days, self.retention_days, self.retention_export_days)
