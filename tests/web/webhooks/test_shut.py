"""Without a Vapi key there is no door for Vapi at all (A6: never open)."""

from __future__ import annotations

import pytest

from ..house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/api/webhooks/vapi", "/api/vapi/tools"])
async def test_nothing_is_there(house: House, path: str):
    """A6: 404, with and without a header that claims a secret."""
    for headers in ({}, {"X-Vapi-Secret": ""}, {"X-Vapi-Secret": "secret"}, {"Authorization": "Bearer "}):
        status, answer = await house.call("POST", path, data=b'{"message": {"type": "hang"}}', headers=headers)
        assert (status, answer["error"]["code"]) == (404, "not_found")
