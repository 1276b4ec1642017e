"""Consent where somebody beside the candidate's own machine takes part (R-116, P5)."""

from bridge.domain.privacy import CONSENT_VERSION

from .house import ready_session, running


async def test_no_start_without_consent(tmp_path):
    """P5, R-116: start says what is needed and how to give it; nothing of the interview changes."""
    async with running(tmp_path, gemini_api_key="a-key", gemini_base_url="http://127.0.0.1:9") as house:
        session = await ready_session(house.store, house.user)

        status, body = await house.call("POST", f"/api/interviews/{session.id}/start")

        assert (409, "consent_required") == (status, body["error"]["code"])
        assert body["error"]["details"]["version"] == CONSENT_VERSION
        assert len(body["error"]["details"]["words"]) >= 3
        async with house.store.read() as tx:
            assert session == await tx.session(session.id)
