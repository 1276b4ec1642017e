"""What is kept of a vendor's message: no secret, no link, no phone number, nothing a database would refuse, never without bound (vapi-protocol §6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidInput
from bridge.wire import strict_json
from bridge.wire.vapi_keeping import HIDDEN, LEFT_OUT, MAX_KEPT, read, read_object, redact
from tests.vapi_examples import example, webhook

CANARY = "canary-7f3a"
SECRETS = {
    "websocketCallUrl": f"wss://api.vapi.ai/{CANARY}/transport",
    "controlUrl": CANARY,
    "listenUrl": CANARY,
    "presignedMonoUrl": CANARY,
    "presignedUrls": {"mono": CANARY, "all": [CANARY]},
    "recordingUrl": CANARY,
    "stereoRecordingUrl": CANARY,
    "recording": {"stereoUrl": CANARY, "mono": {"combinedUrl": CANARY, "assistantUrl": CANARY, "customerUrl": CANARY}},
    "artifacts": [{"type": "recording-mono", "url": CANARY}],
    "logUrl": CANARY,
    "pcapUrl": CANARY,
    "assistant": {"server": {"headers": {"X-Vapi-Secret": CANARY}, "secret": CANARY}, "serverUrlSecret": CANARY},
    "credentials": [{"provider": "openai", "apiKey": CANARY}],
    "model": {"apiKey": CANARY, "tools": [{"server": {"headers": {"Authorization": CANARY}}}]},
    "phoneNumber": {"id": CANARY, "number": CANARY, "twilioAuthToken": CANARY, "fallbackDestination": {"number": CANARY}},
    "customer": {"number": CANARY, "email": CANARY, "sipUri": CANARY},
    "somewhere": [f"wss://api.vapi.ai/{CANARY}/listen"],
}


@pytest.mark.parametrize("name", SECRETS)
def test_what_opens_something_is_not_kept(name):
    """At the top, in the call, in a list: the canary is nowhere."""
    body = webhook({"type": "x", name: SECRETS[name], "artifact": {name: SECRETS[name]}, "list": [{name: SECRETS[name]}]})

    kept = redact(body)

    assert CANARY not in json.dumps(kept)
    assert HIDDEN in json.dumps(kept)


def test_a_phone_number_alone_is_not_kept():
    """Also where it is a text."""
    assert redact({"phoneNumber": "+14155550100"}) == {"phoneNumber": HIDDEN}


def test_nothing_else_is_lost():
    """Words, ids, times, tool calls and costs of an account are as they were; a missing value stays missing."""
    report = example("4-2-end-of-call-report")
    kept = redact(webhook(report))["message"]

    for key in (
        "type",
        "timestamp",
        "endedReason",
        "startedAt",
        "durationSeconds",
        "cost",
        "costBreakdown",
        "transcript",
        "call",
    ):
        assert kept[key] == report[key]
    assert kept["artifact"]["messages"] == report["artifact"]["messages"]
    assert kept["artifact"]["variableValues"] == report["artifact"]["variableValues"]
    assert redact({"recordingUrl": None, "listenUrl": "", "credentials": [], "number": 5}) == {
        "recordingUrl": None,
        "listenUrl": "",
        "credentials": [],
        "number": 5,
    }


def test_what_no_database_takes_is_taken_out():
    """NUL, lone surrogates, infinite numbers and towers of brackets; the words around them stay."""
    body = read_object(
        '{"a\\u0000b": "x\\ud800y\\u0000", "n": [1e999, NaN, -Infinity, 1.5], "deep": ' + "[" * 60 + "]" * 60 + "}"
    )

    assert body["ab"] == "xy"
    assert body["n"] == [None, None, None, 1.5]
    assert strict_json.loads_object(json.dumps(body)) == body


@pytest.mark.parametrize("data", ["", "{", "[1]", '"x"', b"\xff", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "nope"])
def test_what_is_no_object_is_refused_in_words(data):
    """A sentence, never a traceback."""
    with pytest.raises(InvalidInput, match=r"\.$"):
        read_object(data)


@pytest.mark.parametrize(
    "big",
    [
        {"messagesOpenAIFormatted": [{"role": "user", "content": "w" * 1000}] * 3000},
        {"assistant": {"model": "w" * MAX_KEPT}},
        {"artifact": {"x": ["w" * 500] * 5000}},
        {str(n): "w" * 2000 for n in range(5000)},
    ],
    ids=["history", "assistant", "list", "keys"],
)
def test_a_huge_one_is_cut_and_still_known(big):
    """At most a megabyte, and still whose and what it is."""
    kept = redact(webhook({"type": "conversation-update", **big}))

    assert len(json.dumps(kept)) <= MAX_KEPT
    assert (kept["message"]["type"], kept["message"]["call"]["id"]) == ("conversation-update", "c1")


def test_copies_are_left_out_first():
    """The account itself outlives the repeated history."""
    report = example("4-2-end-of-call-report") | {"messagesOpenAIFormatted": ["w" * MAX_KEPT]}

    kept = redact(webhook(report))["message"]

    assert kept["messagesOpenAIFormatted"] == LEFT_OUT
    assert kept["artifact"]["messages"] == report["artifact"]["messages"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["phoneNumber", "customer", "number", "url", "x"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_object_can_be_kept_and_kept_again(body):
    """Storable, and the same when it is taken for keeping a second time."""
    kept = redact(body)

    assert redact(kept) == kept
    assert strict_json.loads(json.dumps(kept)) == kept


@given(st.binary() | st.text())
def test_any_bytes_are_a_value_or_a_sentence(data):
    """No other exception leaves it."""
    message = "a value"
    try:
        read(data)
    except InvalidInput as error:
        message = error.message

    assert message
