"""The operators' own navigation."""

from __future__ import annotations

TABS = (
    ("/operator", "Live calls"),
    ("/operator/sessions", "Sessions"),
    ("/operator/figures", "Figures"),
    ("/operator/deliveries", "Webhooks"),
    ("/operator/jobs", "Jobs"),
)
