"""One function decides which institution and pool a command may touch."""

import pytest

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.access.decisions import check_access

OURS, OTHER = Pool("430100"), Pool("110000")


def check(
    institution: str = "H43010000001", pool: Pool = OURS, claimed: Pool | None = None
) -> None:
    check_access(
        institution=institution,
        allowed_institutions={"H43010000001"},
        pool=pool,
        known_pools={OURS, OTHER},
        claimed_pool=claimed,
    )


def test_an_allowed_institution_in_a_known_pool_passes() -> None:
    check()
    check(claimed=OURS)


def test_another_institution_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        check(institution="H43010000002")
    assert caught.value.refusal.code == RefusalCode.INSTITUTION_NOT_ALLOWED
    assert "H43010000002" in caught.value.refusal.message


def test_an_unknown_pool_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        check(pool=Pool("999999"))
    assert caught.value.refusal.code == RefusalCode.AREA_DIFFERS


def test_an_envelope_that_claims_another_pool_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        check(claimed=OTHER)
    assert caught.value.refusal.code == RefusalCode.AREA_DIFFERS
    assert caught.value.refusal.field == "insured_division"
