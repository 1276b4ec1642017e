"""Every error the product raises on purpose, as one tree.

    PrepkitError
    ├── InvalidInput          400/422  the request cannot be understood or breaks a rule
    ├── NotFound              404      it does not exist, or is not yours
    ├── Conflict              409      the session is not in a state for this
    │   ├── WrongState                 names the state and the attempt
    │   └── ConsentNeeded              the candidate has not agreed to what a call does with their voice
    ├── NotSignedIn           401      nobody is signed in
    ├── PaymentRequired       402      it has to be paid first; `details` says how much
    │   └── BadCredentials             address and password do not belong together
    ├── Refused               403      origin, host or role says no
    ├── BadTicket             401      a socket token that is unknown, used or expired
    ├── AtCapacity            503      no room for another live call; says when to retry
    ├── VoiceUnavailable      503      an engine, recogniser or voice cannot be started
    ├── UpstreamFailed        503      a vendor refused, was silent or is out of reach; says what now
    │   ├── ModelUnavailable           the language model gave no usable answer; `reason` is a Trouble
    │   └── RecordingsAway             the store of the recordings refused or is out of reach
    ├── NotInstalled          501      something optional is missing on this server; says what to install
    ├── BadSignature          401      a webhook that is not authenticated
    ├── CannotDecrypt         503      what is encrypted at rest was encrypted with another key, or is damaged
    └── SettingsError         –        the process cannot start as configured

`code` is stable and public; the message is a sentence a person can act on and holds no secret and no transcript.
`web.problems` maps these to HTTP in one table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar


class PrepkitError(Exception):
    """Base of all: a stable code, a public sentence, optional public details."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(PrepkitError):
    """The request cannot be understood, or breaks a rule; `details` lists each bad field."""

    code = "invalid_input"


class NotFound(PrepkitError):
    """It does not exist, or is not yours: the two are never told apart."""

    code = "not_found"


class Conflict(PrepkitError):
    """The thing is not in a state for this."""

    code = "conflict"


class WrongState(Conflict):
    """A session transition that the table in `bridge.domain.session` does not have."""

    code = "wrong_state"


class ConsentNeeded(Conflict):
    """No audio before the candidate has agreed; `details` says to what, and how to give it."""

    code = "consent_required"


class NotSignedIn(PrepkitError):
    """Nobody is signed in, or no longer."""

    code = "unauthorised"


class PaymentRequired(PrepkitError):
    """It has to be paid first; `details` is {amount, currency, sessionId}."""

    code = "payment_required"


class BadCredentials(NotSignedIn):
    """Address and password do not belong together."""

    code = "bad_credentials"


class Refused(PrepkitError):
    """Origin, host or role says no."""

    code = "forbidden"


class BadTicket(PrepkitError):
    """A socket token that is unknown, already used or expired."""

    code = "bad_token"


class AtCapacity(PrepkitError):
    """No room for another live call."""

    code = "at_capacity"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class VoiceUnavailable(PrepkitError):
    """An engine, recogniser or voice cannot be started; says which and what to install."""

    code = "voice_unavailable"


class UpstreamFailed(PrepkitError):
    """A vendor refused, was silent or is out of reach; `reason` is ours to log and count, the message is for the candidate."""

    code = "upstream_failed"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Trouble(StrEnum):
    """Why the language model gave no usable answer."""

    QUOTA = "quota"
    """Too many requests, or nothing left to spend (429)."""
    OVERLOADED = "overloaded"
    """The vendor's own fault (5xx)."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    TIMEOUT = "timeout"
    """Nothing within the deadline."""
    REFUSED_SAFETY = "refused_safety"
    """The vendor's filters stopped the question or the answer."""
    BAD_ANSWER = "bad_answer"
    """Cut off, no JSON or of another shape, also after one repair."""
    UNAUTHORISED = "unauthorised"
    """The key is wrong, blocked, or not allowed to do this."""
    UNKNOWN_MODEL = "unknown_model"
    REJECTED = "rejected"
    """The vendor does not take the request as it is (400): a setting the model does not know, or our mistake."""
    CIRCUIT_OPEN = "circuit_open"
    """Not asked: it failed several times just now and is left alone for a while."""


class ModelUnavailable(UpstreamFailed):
    """The language model gave no usable answer; whoever asked goes on without it."""

    code = "model_unavailable"

    def __init__(self, message: str, *, reason: Trouble, retry_after_seconds: float | None = None, vendor_says: str = "") -> None:
        super().__init__(message, reason=reason)
        self.trouble = reason
        self.retry_after_seconds = retry_after_seconds
        self.vendor_says = vendor_says
        """The vendor's own sentence: for `prepkit doctor`, never for a log or a candidate."""


class RecordingsAway(UpstreamFailed):
    """The store of the recordings refused, was silent or is out of reach; `reason` is `no_bucket`, `bad_key`, `not_allowed`, `wrong_region`, `unreachable` or `broken`."""

    code = "recordings_away"

    def __init__(self, *, reason: str, vendor_says: str = "") -> None:
        super().__init__(
            "The store that keeps recordings cannot be used at the moment. Nothing is lost; try again in a few minutes.",
            reason=reason,
        )
        self.vendor_says = vendor_says
        """Its own code of the error, for logs and `prepkit doctor`."""


class NotInstalled(PrepkitError):
    """Something optional is not on this server; says what to install, and what works without it."""

    code = "not_installed"


class BadSignature(PrepkitError):
    """A webhook that is not authenticated; which check failed is logged, never told."""

    code = "bad_signature"


class CannotDecrypt(PrepkitError):
    """What is encrypted at rest was encrypted with another key, or is damaged; says which and what to do."""

    code = "cannot_decrypt"


class SettingsError(PrepkitError):
    """The process cannot start as configured; names the setting."""

    code = "settings"
