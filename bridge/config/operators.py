"""Settings for whoever runs the server: what candidates are told of them, and who may read the figures."""

from __future__ import annotations

from pydantic import BaseModel, Field


class OperatorSettings(BaseModel):
    """The part about operators."""

    tell_listening: bool = Field(
        True,
        description="Whether the candidate is told at once that an operator listens in; the list of what operators did shows it in any case.",
    )
    key_days: int = Field(
        90,
        ge=0,
        le=3650,
        description="Days after which a secret setting is to be exchanged: a warning, nothing stops; 0 for never.",
    )
    metrics_token: str = Field(
        "",
        repr=False,
        description="Bearer token for `/metrics`; without one only requests straight from this machine are answered.",
    )
    otel_endpoint: str = Field(
        "",
        pattern="^(https?://[^ ]+)?$",
        description="Base address of an OpenTelemetry collector (OTLP over HTTP, `http://collector:4318`); empty for no traces. Needs the extra `otel`.",
    )
    otel_headers: str = Field(
        "", repr=False, description="Headers for the collector, `name=value` with commas between: most hosted ones want a key."
    )
