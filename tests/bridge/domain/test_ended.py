"""What an ended reason means (R-055, vapi-protocol §4.2): by prefixes, never by a list of 604."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.ended import Ending, judge

GOOD = [
    "customer-ended-call",
    "customer-ended-call-before-warm-transfer",
    "assistant-ended-call",
    "assistant-ended-call-after-message-spoken",
    "assistant-said-end-call-phrase",
    "exceeded-max-duration",
    "manually-canceled",
    "  Customer-Ended-Call\n",
]
BAD = [
    "pipeline-error-openai-llm-failed",
    "pipeline-no-available-llm-model",
    "call.in-progress.error-vapifault-worker-died",
    "call.in-progress.error-providerfault-eleven-labs-voice-failed",
    "call.start.error-get-transport",
    "call-start-error-neither-assistant-nor-server-set",
    "assistant-request-failed",
    "assistant-not-valid",
    "assistant-join-timed-out",
    "customer-did-not-answer",
    "customer-did-not-give-microphone-permission",
    "worker-shutdown",
    "phone-call-provider-closed-websocket",
    "call-deleted",
    "unknown-error",
    "customer-ended-call-error",
]


@pytest.mark.parametrize("reason", GOOD)
@pytest.mark.parametrize("spoke", [True, False])
def test_a_good_end_is_completed(reason, spoke):
    """Also where the candidate said nothing."""
    assert judge(reason, spoke=spoke) is Ending.COMPLETED


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("spoke", [True, False])
def test_a_fault_is_failed(reason, spoke):
    """Also where the candidate had spoken: what becomes of the answers is the session's own verdict."""
    assert judge(reason, spoke=spoke) is Ending.FAILED


@pytest.mark.parametrize("reason", ["silence-timed-out", "vonage-rejected", "something-of-next-year", ""])
def test_silence_and_the_unknown_depend_on_whether_anybody_spoke(reason):
    """Completed only with a turn of the candidate's."""
    assert judge(reason, spoke=True) is Ending.COMPLETED
    assert judge(reason, spoke=False) is Ending.FAILED


@given(st.text(), st.booleans())
def test_any_word_has_a_verdict(reason, spoke):
    """There is no reason it cannot judge."""
    assert judge(reason, spoke=spoke) in Ending
