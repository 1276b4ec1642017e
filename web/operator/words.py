"""What the operators' pages call things that are codes inside: engines, kinds of interview, background jobs. Read next: `desk`."""

from __future__ import annotations

from bridge.domain.catalog import DIFFICULTIES, TYPES
from bridge.domain.session import SessionStatus

ENGINES = {"local": "This server", "gemini": "Gemini Live", "vapi": "Vapi"}
"""Who hears and speaks."""
TITLES = {kind.value: profile.title for kind, profile in TYPES.items()}
LEVELS = {difficulty.value: profile.title for difficulty, profile in DIFFICULTIES.items()}
STATUSES = {status.value: status.value.replace("_", " ") for status in SessionStatus if status is not SessionStatus.DELETED}
JOBS = {
    "account-letter": "Send a letter about an account",
    "apply-delivery": "Apply a webhook",
    "draw-report": "Draw a report as a PDF",
    "encrypt-recordings": "Encrypt old recordings",
    "erase-export": "Erase an archive",
    "erase-recording": "Erase a recording",
    "erase-vendor-copy": "Erase a provider's copy",
    "fetch-recording": "Fetch a provider's recording",
    "look-at-payment": "Ask how a payment stands",
    "mail-report": "Send a report by e-mail",
    "make-export": "Make an archive",
    "make-facts": "Fill the statistics",
    "pay-referral": "Credit a referral",
    "purge-session": "Erase an interview",
    "review-letter": "Tell of a review by e-mail",
    "send-refund": "Send a refund",
    "settle-call": "Settle a call's end and cost",
    "write-report": "Write a report",
}
"""By kind; a test holds that none is missing."""
