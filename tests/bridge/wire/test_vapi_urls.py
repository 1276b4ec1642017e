"""Where Vapi's answers may lead us, and where not (A11, vapi-protocol §1.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.vapi_urls import STORAGE_HOSTS, allowed, is_loopback, is_public
from tests.vapi_examples import example

REAL = "https://api.vapi.ai"
LOCAL = "http://127.0.0.1:8123"

FOREIGN = [
    "ws://api.vapi.ai/x/transport",
    "https://api.vapi.ai/x/transport",
    "wss://evil.example/x",
    "wss://api.vapi.ai.evil.example/x",
    "wss://evil-vapi.ai/x",
    "wss://evilvapi.ai/x",
    "wss://api.vapi.ai./x",
    "wss://api..vapi.ai/x",
    "wss://user@api.vapi.ai/x",
    "wss://user:pass@api.vapi.ai/x",
    "wss://@api.vapi.ai/x",
    "wss://api.vapi.ai@evil.example/x",
    "wss://evil.example#.vapi.ai/x",
    "wss://api.vapi.ai/x#y",
    "wss://api.vapi.ai/x#",
    "wss://api.vapi.ai:8443/x",
    "wss://api.vapi.ai:0/x",
    "wss://api.vapi.ai:99999/x",
    "wss://api.vapi.ai:x/x",
    "wss://evil.example\\.vapi.ai/x",
    "wss://evil.example%2f.vapi.ai/x",
    "wss://evil.example/.vapi.ai",
    "wss://evil.example?.vapi.ai",
    "wss://api.vapi.ai\n.evil.example/x",
    "wss://api.vapi.ai/x y",
    " wss://api.vapi.ai/x",
    "wss://аpi.vapi.ai/x",
    "wss://api。vapi.ai/x",
    "wss://127.0.0.1/x",
    "wss://2130706433/x",
    "wss://0x7f.1/x",
    "wss://[::1]/x",
    "wss://[::ffff:127.0.0.1]/x",
    "wss://[::1/x",
    "wss://169.254.169.254/latest",
    "wss://localhost/x",
    "wss:///x",
    "wss:api.vapi.ai/x",
    "//api.vapi.ai/x",
    "",
    "wss://api.vapi.ai/" + "x" * 5000,
]


@pytest.mark.parametrize("url", FOREIGN, ids=range(len(FOREIGN)))
def test_a_foreign_url_is_refused(url):
    """Other scheme, host, port, user, or anything two parsers could read in two ways."""
    assert not allowed(url, api_base=REAL, scheme="wss")


@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_vapis_own_urls_pass(scheme):
    """The very URLs of the documented answer."""
    created = example("1-3-created")
    url = {"wss": created["transport"]["websocketCallUrl"], "https": created["monitor"]["controlUrl"]}[scheme]

    assert allowed(url, api_base=REAL, scheme=scheme)
    assert allowed(f"{scheme}://API.vapi.ai:443/x", api_base=REAL, scheme=scheme)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("ws://127.0.0.1:8123/x", True),
        ("ws://localhost:8123/x", True),
        ("ws://127.0.0.1:8124/x", False),
        ("ws://127.0.0.1/x", False),
        ("ws://127.0.0.1:8123/x#y", False),
        ("ws://u@127.0.0.1:8123/x", False),
        ("ws://192.168.0.1:8123/x", False),
        ("ws://127.1:8123/x", False),
        ("http://127.0.0.1:8123/x", False),
        ("wss://api.vapi.ai/x", False),
    ],
)
def test_a_stand_in_on_loopback_leads_to_itself_only(url, good):
    """Its own port; plain is enough there."""
    assert allowed(url, api_base=LOCAL, scheme="wss") is good


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://storage.vapi.ai/m.mp3?sig=x", True),
        ("https://abc.r2.cloudflarestorage.com/b/m.mp3", True),
        ("https://bucket.s3.us-west-2.amazonaws.com/m.mp3?X-Amz-Signature=x", True),
        ("https://storage.googleapis.com/b/m.mp3", True),
        ("https://r2.cloudflarestorage.com.evil.example/m.mp3", False),
        ("https://storage.example/m.mp3", False),
        ("http://storage.vapi.ai/m.mp3", False),
    ],
)
def test_recordings_may_be_in_known_storage(url, good):
    """Vapi's own and the buckets it can be set up with."""
    assert allowed(url, api_base=REAL, scheme="https", hosts=STORAGE_HOSTS) is good


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
    ],
)
def test_private_addresses_are_known_in_every_clothing(address, public):
    """Mapped, translated and tunnelled ones too."""
    assert is_public(address) is public


def test_loopback_is_only_what_is_written_as_such():
    """Short and decimal forms are not: libraries differ about them."""
    assert is_loopback("localhost")
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1")
    assert not is_loopback("127.1")
    assert not is_loopback("2130706433")
    assert not is_loopback("localhost.evil.example")


@given(st.text() | st.builds("wss://{}".format, st.text()) | st.builds("wss://{}.vapi.ai/{}".format, st.text(), st.text()))
def test_any_text_is_a_yes_or_a_no(url):
    """It never raises, and a yes has a host of Vapi's."""
    if allowed(url, api_base=REAL, scheme="wss"):
        assert url.removeprefix("wss://").partition("/")[0].partition("?")[0].partition(":")[0].lower().endswith("vapi.ai")
