"""The webhooks about one call as passing items of its timeline: what there is first, then what is new and what became of it (M7).

They are rows of the inbox, which any process may have taken in, so each reader looks there; a webhook's text is never shown. Read next:
`live_feed`.
"""

from __future__ import annotations

from ..ports import DeliveryState, Store
from ..wire.live import WEBHOOK, LiveItem


class WebhooksSeen:
    """What one reader was told."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._told: dict[int, DeliveryState] = {}
        """Behind `_after` only: those before it have come to their end."""
        self._after = 0

    async def news(self, store: Store) -> list[LiveItem]:
        """Those that came, or came to their end, since the last time, in order of arrival."""
        async with store.read() as tx:
            found = await tx.call_webhooks(self._session_id, after=self._after)
        fresh = [webhook for webhook in found if self._told.get(webhook.id) is not webhook.state]
        waiting = [webhook.id for webhook in found if webhook.state is DeliveryState.STORED]
        if found:
            self._after = min(waiting) - 1 if waiting else found[-1].id
        self._told = {webhook.id: webhook.state for webhook in found if webhook.id > self._after}
        return [
            LiveItem(
                WEBHOOK,
                webhook.at_ms,
                {"id": webhook.id, "provider": webhook.provider, "type": webhook.type, "state": webhook.state.value},
            )
            for webhook in fresh
        ]
