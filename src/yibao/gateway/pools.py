"""Which pool a call is about: ids and person numbers begin with it, the envelope may not differ."""

from yibao.gateway.context import Call
from yibao.kernel.areas import NO_PERSON_POOL, Division, Pool, is_pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.access.decisions import check_access
from yibao.policy.terms import EMPLOYEE, RESIDENT, Scheme


def pool_of_member(call: Call, member: str, scheme: str | None = None) -> Pool:
    """The pool a person number (``psn_no``) begins with.

    Refused when there is no such pool, when the sender may not speak for the institution, or when
    the envelope's ``insuplc_admdvs`` lies in another pool.
    """
    pool = call.guest_pools.get(member) or Pool(member[:6])
    pools = call.reference.directory.pools
    if not is_pool(pool) or pool not in pools or pool == NO_PERSON_POOL:
        raise unknown_member(member)
    check_pool(call, pool, scheme)
    return pool


def check_pool(call: Call, pool: Pool, scheme: str | None = None) -> None:
    """Refuse a pool that the caller may not write to, or that the envelope contradicts."""
    institution = call.institution.code
    check_access(
        institution=institution,
        allowed_institutions=(
            [institution] if call.sender.may_speak_for(institution, call.day) else []
        ),
        pool=pool,
        known_pools=call.reference.directory.pools,
        claimed_pool=_claimed_pool(call, pool, scheme),
    )


def visit_key(call: Call, text: str, member: str, scheme: str | None = None) -> PoolKey:
    """The visit that ``mdtrt_id`` names, in the pool of the member."""
    pool = pool_of_member(call, member, scheme)
    key = parse_pool_key(text)
    if key is None:
        raise Refused(RefusalCode.VISIT_UNKNOWN, f"mdtrt_id（就诊ID）{text} 不存在", "mdtrt_id")
    if key.pool != pool:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"mdtrt_id（就诊ID）属于统筹区 {key.pool}，与 psn_no（人员编号）的统筹区 {pool} 不一致",
            "mdtrt_id",
        )
    return key


def settlement_key(text: str, pool: Pool) -> PoolKey:
    """The settlement that ``setl_id`` names, in a visit's pool."""
    key = parse_pool_key(text)
    if key is None or key.pool != pool:
        raise unknown_settlement(text)
    return key


def unknown_member(member: str) -> Refused:
    """Nobody has this person number."""
    return Refused(RefusalCode.PERSON_UNKNOWN, f"psn_no（人员编号）{member} 不存在", "psn_no")


def unknown_settlement(text: str) -> Refused:
    """The caller's institution has no such settlement."""
    return Refused(
        RefusalCode.SETTLEMENT_UNKNOWN, f"setl_id（结算ID）{text} 不存在或不属于本机构", "setl_id"
    )


def _claimed_pool(call: Call, pool: Pool, scheme: str | None) -> Pool | None:
    """The pool of the envelope's division; None when the envelope leaves it to the ids."""
    division = call.envelope.insured_division
    if not division:
        return None
    schemes = (Scheme(scheme),) if scheme else (EMPLOYEE, RESIDENT)
    directory, day = call.reference.directory, call.day
    claimed: Pool | None = None
    for one in schemes:
        found = directory.pool_of(Division(division), one, day)
        if found == pool:
            return pool
        claimed = claimed or found
    if claimed is None:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"insuplc_admdvs（参保地医保区划）{division} 不属于本平台经办的统筹区",
            "insuplc_admdvs",
        )
    return claimed
