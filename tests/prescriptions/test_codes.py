"""Codes that grant something cannot be made up, nor used by another."""

from tests.prescriptions.builders import KEY, OTHER_PHARMACY, PHARMACY
from yibao.kernel.identifiers import PoolKey
from yibao.platform.crypto import Vault
from yibao.prescriptions import codes

VAULT, OTHER_VAULT = Vault(b"k" * 32), Vault(b"x" * 32)


def test_the_codes_keep_the_lengths_of_the_interface() -> None:
    assert len(codes.trace_code(KEY)) <= 20
    assert len(codes.scan_text(VAULT, KEY)) == 27
    assert len(codes.authorisation(VAULT, KEY, PHARMACY)) == 30
    assert len(codes.token(VAULT, KEY, PHARMACY)) <= 64
    assert len(codes.download_code(VAULT, KEY, PHARMACY)) <= 50


def test_a_trace_code_names_its_prescription() -> None:
    for number in (0, 1, KEY.number, 2**63 - 1):
        key = PoolKey(KEY.pool, number)
        assert codes.read_trace_code(codes.trace_code(key)) == key
    for nonsense in ("", "110000", "110000" + "?" * 13, "110000" + "Z" * 13, "x" * 19 + "1"):
        assert codes.read_trace_code(nonsense) is None


def test_a_grant_is_for_one_institution_and_one_vault() -> None:
    for made in (codes.token, codes.authorisation):
        granted = made(VAULT, KEY, PHARMACY)
        assert codes.granted(VAULT, granted, PHARMACY) == KEY
        assert codes.granted(VAULT, granted.lower(), PHARMACY) == KEY
        assert codes.granted(VAULT, granted, OTHER_PHARMACY) is None
        assert codes.granted(OTHER_VAULT, granted, PHARMACY) is None
        assert codes.granted(VAULT, granted[:-1], PHARMACY) is None
        forged = granted[:-1] + ("A" if granted[-1] != "A" else "B")
        assert codes.granted(VAULT, forged, PHARMACY) is None
    assert codes.granted(VAULT, "中" * 30, PHARMACY) is None
