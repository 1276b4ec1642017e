"""Forged webhooks get in by no door (R-122, C-26, A6); genuine ones by each of three."""

import base64
import hashlib
import hmac as stdlib_hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bridge.errors import BadSignature
from bridge.wire.vapi_auth import HmacScheme, verify
from tests.vapi_examples import example

NOW = 1795341600.0
BODY = b'{"message":{"type":"hang","call":{"id":"c1"}}}'
HEX = "27491c364236ab37840a758419257cbb70fbc4d66e3c3d8fc2850da45093d722"
BASE64 = "J0kcNkI2qzeECnWEGSV8u3D7xNZuPD2PwoUNpFCT1yI="
HEX_OF_BODY = "9c7bd1fb4a518ec8b60e466666b207df71b6b83a97245b6d2f8ee5d255d2e0c6"
SECRET = "prepkit-test-secret"
SCHEME = HmacScheme((SECRET,))


def check(headers, *, raw=BODY, secrets=(), scheme=SCHEME, now=NOW):
    """Verify with defaults; headers as the web server has them."""
    return verify(CIMultiDict(headers), raw, secrets=secrets, scheme=scheme, now=now)


def signed(timestamp="1795341600", secret=SECRET, raw=BODY):
    """Headers with a good signature for a timestamp."""
    digest = stdlib_hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return {"x-vapi-signature": digest, "x-vapi-timestamp": timestamp}


# Genuine ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scheme", "headers"),
    [
        (SCHEME, {"X-Vapi-Signature": HEX, "X-Vapi-Timestamp": "1795341600"}),
        (SCHEME, {"x-vapi-signature": HEX.upper(), "x-vapi-timestamp": "1795341600"}),
        (HmacScheme((SECRET,), encoding="base64"), {"x-vapi-signature": BASE64, "x-vapi-timestamp": "1795341600"}),
        (HmacScheme((SECRET,), payload="{body}"), {"x-vapi-signature": HEX_OF_BODY}),
        (HmacScheme((SECRET,), prefix="sha256="), {"x-vapi-signature": f"sha256={HEX}", "x-vapi-timestamp": "1795341600"}),
        (HmacScheme((SECRET,), "x-signature", "x-time"), {"X-Signature": HEX, "X-Time": "1795341600"}),
        (HmacScheme(("new", SECRET)), {"x-vapi-signature": HEX, "x-vapi-timestamp": "1795341600"}),
    ],
    ids=["as documented", "upper case", "base64", "body alone", "prefix", "other headers", "rotated"],
)
def test_the_test_vector_passes(scheme, headers):
    """The vector of vapi-protocol §5, in every form the settings allow."""
    assert check(headers, scheme=scheme) == "hmac"


def test_the_vector_fits_the_documented_credential():
    """Our defaults are the credential that the notes set up at Vapi."""
    plan = example("5-hmac-credential")["authenticationPlan"]

    assert (plan["signatureHeader"], plan["timestampHeader"]) == (SCHEME.header, SCHEME.timestamp_header)
    assert (plan["payloadFormat"], plan["signatureEncoding"]) == (SCHEME.payload, SCHEME.encoding)


@pytest.mark.parametrize(
    ("header", "value", "name"), [("X-Vapi-Secret", "s1", "secret"), ("Authorization", "bEaReR s1", "bearer")]
)
def test_a_shared_secret_passes(header, value, name):
    """With several valid at once, so that it can be changed without a gap."""
    assert check({header: value}, secrets=("s2", "s1"), scheme=None) == name


def test_either_form_is_enough():
    """An empty X-Vapi-Secret comes along with HMAC credentials (a real incident)."""
    assert check({"X-Vapi-Secret": "", **signed()}, secrets=("s1",)) == "hmac"


@pytest.mark.parametrize("timestamp", ["1795341600", "1795341600000", "1795341301", "1795341899000", "1795341600.25"])
def test_a_timestamp_in_either_unit_within_five_minutes(timestamp):
    """Seconds or milliseconds: which of them is not documented."""
    assert check(signed(timestamp)) == "hmac"


# Forged -------------------------------------------------------------------------------------------------------------
FORGED = {
    "nothing": {},
    "empty signature": {"x-vapi-signature": "", "x-vapi-timestamp": "1795341600"},
    "wrong signature": {"x-vapi-signature": HEX[:-1] + "3", "x-vapi-timestamp": "1795341600"},
    "short signature": {"x-vapi-signature": HEX[:10], "x-vapi-timestamp": "1795341600"},
    "signature of the body alone": {"x-vapi-signature": HEX_OF_BODY, "x-vapi-timestamp": "1795341600"},
    "the secret as its signature": {"x-vapi-signature": SECRET, "x-vapi-timestamp": "1795341600"},
    "non-ASCII signature": {"x-vapi-signature": "é" * 64, "x-vapi-timestamp": "1795341600"},
    "bytes that are no text": {"x-vapi-signature": "\udcff" * 64, "x-vapi-timestamp": "1795341600"},
    "no timestamp": {"x-vapi-signature": HEX},
    "other timestamp": {"x-vapi-signature": HEX, "x-vapi-timestamp": "1795341601"},
    "old": signed("1795341299"),
    "future": signed("1795341901"),
    "old in milliseconds": signed("1795341299000"),
    "5,000 digits": signed("1" * 5000),
    "negative": signed("-1795341600"),
    "not a number": signed("NaN"),
    "infinite": signed("inf"),
    "words": signed("yesterday"),
    "other digits": {"x-vapi-signature": HEX, "x-vapi-timestamp": "１７９５３４１６００"},
    "other key": signed(secret="guess"),
    "other body": signed(raw=b"{}"),
    "empty secret header": {"X-Vapi-Secret": ""},
    "wrong secret header": {"X-Vapi-Secret": "s1 "},
    "non-ASCII secret header": {"X-Vapi-Secret": "s\udce9"},
    "empty bearer": {"Authorization": "Bearer "},
    "basic": {"Authorization": "Basic s1"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_forged_one_is_refused(headers):
    """Each of them raises BadSignature, nothing else."""
    with pytest.raises(BadSignature):
        check(headers, secrets=("s1", ""))


@pytest.mark.parametrize(
    "headers", [{"X-Vapi-Secret": ""}, {"X-Vapi-Secret": "x"}, {"Authorization": "Bearer"}, signed(secret="")]
)
@pytest.mark.parametrize("scheme", [None, HmacScheme(("",)), HmacScheme(())])
def test_without_a_secret_nobody_gets_in(headers, scheme):
    """Fail closed: an empty secret is none."""
    with pytest.raises(BadSignature):
        check(headers, secrets=("",), scheme=scheme)


def test_secrets_are_in_no_repr_and_in_no_error():
    """Neither of them can end in a log (A13)."""
    assert SECRET not in repr(SCHEME)
    with pytest.raises(BadSignature) as refused:
        check({"X-Vapi-Secret": "wrong-guess"}, secrets=("s1",))
    assert not {"s1", SECRET, "wrong-guess"} & set(str(refused.value).split())


@given(
    st.dictionaries(st.sampled_from(["X-Vapi-Secret", "Authorization", "x-vapi-signature", "x-vapi-timestamp"]), st.text()),
    st.binary(max_size=50),
    st.sampled_from(["{timestamp}.{body}", "{body}", "{timestamp}", ""]),
    st.sampled_from(["hex", "base64"]),
)
def test_whatever_comes_is_refused_in_order(headers, raw, payload, encoding):
    """Arbitrary headers and bodies: BadSignature and nothing else."""
    scheme = HmacScheme((base64.b64encode(b"long and random").decode(),), payload=payload, encoding=encoding)
    with pytest.raises(BadSignature):
        check(headers, raw=raw, secrets=("another long random one",), scheme=scheme)
