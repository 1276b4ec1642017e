"""Settings of Vapi: key, place, how its webhooks are authenticated, and who talks there."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, model_validator

from .fields import https_or_loopback, vendor


class VapiSettings(BaseModel):
    """The part about Vapi; what it needs of the rest is checked by `Settings`."""

    vapi_api_key: str = vendor("VAPI_API_KEY", "", "Private key of the Vapi account; with it `auto` means `vapi`.", secret=True)
    vapi_base_url: str = vendor("VAPI_BASE_URL", "https://api.vapi.ai", "Vapi's API; plain http on loopback only (stand-in).")
    vapi_webhook_secret: str = vendor(
        "VAPI_WEBHOOK_SECRET",
        "",
        "Shared secret in the `X-Vapi-Secret` header; made and kept in the data folder when empty.",
        secret=True,
    )
    vapi_hmac_secret: str = vendor(
        "VAPI_HMAC_SECRET", "", "Secret of an HMAC credential; either form authenticates.", secret=True
    )
    vapi_hmac_header: str = vendor("VAPI_HMAC_HEADER", "x-vapi-signature", "Header of the HMAC signature.")
    vapi_hmac_timestamp_header: str = vendor("VAPI_HMAC_TIMESTAMP_HEADER", "x-vapi-timestamp", "Header of its timestamp.")
    vapi_hmac_payload: str = vendor(
        "VAPI_HMAC_PAYLOAD", "{timestamp}.{body}", "What is signed; `{body}` alone leaves the time out."
    )
    vapi_hmac_encoding: str = vendor("VAPI_HMAC_ENCODING", "hex", "`hex` or `base64`.", pattern="^(hex|base64)$")
    vapi_hmac_prefix: str = vendor("VAPI_HMAC_PREFIX", "", "What stands before the signature, for example `sha256=`.")
    vapi_model: str = vendor("VAPI_MODEL", "openai/gpt-4.1", "Provider and model that talk at Vapi.")
    vapi_voices: str = vendor(
        "VAPI_VOICES", "neutral=sarah,warm=paula,deep=drew", "ElevenLabs voice ids at Vapi for our three voices."
    )

    @model_validator(mode="after")
    def _vapi_is_https(self) -> Self:
        if not https_or_loopback(self.vapi_base_url):
            raise ValueError("VAPI_BASE_URL must be https, or http on a loopback address")
        return self
