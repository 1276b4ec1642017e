"""The text frames a client may send to a live call, on its socket or its control URL. Read next: `vapi_call`, which obeys them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from . import vapi_names as names
from .vapi_checks import Refused, complaints
from .vapi_parts import ChatMessage, Strict


class EndCall(Strict):
    """Hang up."""

    type: Literal["end-call"]


class Say(Strict):
    """Speak these words."""

    type: Literal["say"]
    content: str
    end_call_after_spoken: bool = False
    interrupt_assistant_enabled: bool = False
    interruptions_enabled: bool = True


class AddMessage(Strict):
    """Add to the model's history; answered at once unless told otherwise."""

    type: Literal["add-message"]
    message: ChatMessage
    trigger_response_enabled: bool = True


class ControlFrame(Strict):
    """Mute and unmute."""

    type: Literal["control"]
    control: names.Control


class AppendContext(Strict):
    """For live-speech models."""

    type: Literal["append-context"]
    kind: Literal["commentary", "thinking", "instructions"]
    content: str


class Transfer(Strict):
    """Send the caller elsewhere; nobody picks up here."""

    type: Literal["transfer"]
    destination: dict[str, Any]
    content: str | None = None


ClientFrame = EndCall | Say | AddMessage | ControlFrame | AppendContext | Transfer
_FRAME: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def check_frame(body: Any) -> ClientFrame:
    """The frame. Raises Refused."""
    try:
        return _FRAME.validate_python(body)
    except ValidationError as error:
        raise Refused(list(complaints(body, error))) from None
