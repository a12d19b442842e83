"""The signatures, against vectors computed by hand from the interface's description."""

import hashlib
import hmac
from base64 import b64encode

from yibao.client.signatures import csb_headers, csb_signature, tif_headers, tif_signature


def test_a_tif_signature_is_the_hash_of_timestamp_secret_nonce_timestamp() -> None:
    assert (
        tif_signature("1700000000", "s3cret", "abc")
        == hashlib.sha256(b"1700000000s3cretabc1700000000").hexdigest()
    )
    assert (
        tif_signature("1", "2", "3")
        == "52a6eb687cd22e80d3342eac6fcc7f2e19209e8f83eb9b82e81c6f3e6f30743b"
    )


def test_tif_headers_carry_the_account_and_seconds() -> None:
    headers = tif_headers("acct", "secret", seconds=1_700_000_000, nonce="n1")
    assert headers["x-tif-paasid"] == "acct"
    assert headers["x-tif-timestamp"] == "1700000000"
    assert headers["x-tif-signature"] == tif_signature("1700000000", "secret", "n1")


def test_a_csb_signature_signs_the_four_headers_sorted_by_name() -> None:
    headers = csb_headers("key", "secret", api="2207", milliseconds=1_700_000_000_123)
    text = b"_api_access_key=key&_api_name=2207&_api_timestamp=1700000000123&_api_version=1.0.0"
    expected = b64encode(hmac.new(b"secret", text, hashlib.sha1).digest()).decode()
    assert headers["_api_signature"] == expected


def test_the_order_of_the_signed_headers_does_not_matter() -> None:
    assert csb_signature({"a": "1", "b": "2"}, "s") == csb_signature({"b": "2", "a": "1"}, "s")


def test_another_secret_gives_another_signature() -> None:
    assert csb_signature({"a": "1"}, "s") != csb_signature({"a": "1"}, "t")
    assert tif_signature("1", "s", "2") != tif_signature("1", "t", "2")
