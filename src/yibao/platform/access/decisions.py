"""Who may do what: the one place where a command's institution and pool are checked.

The writer role is not under row-level security (PostgreSQL refuses COPY there), so every command
passes here before it reaches the database. Queries are bounded by the views of their institutions.
"""

from collections.abc import Collection, Mapping

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused


def check_access(
    *,
    institution: str,
    allowed_institutions: Collection[str],
    pool: Pool,
    known_pools: Collection[Pool],
    claimed_pool: Pool | None = None,
) -> None:
    """Refuse a command for an institution that the sender may not speak for, or a foreign pool.

    ``institution`` is the one the command acts for, ``allowed_institutions`` those that the
    sender's key is allowed today. ``pool`` is where the command would write, found from the ids it
    names; ``claimed_pool`` is what the envelope says (None when it says nothing).
    """
    if institution not in allowed_institutions:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"该接入密钥未获准代表医药机构 {institution} 办理业务",
            field="institution",
        )
    if pool not in known_pools:
        raise Refused(RefusalCode.AREA_DIFFERS, f"本平台不经办统筹区 {pool} 的业务", field="pool")
    if claimed_pool is not None and claimed_pool != pool:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"报文的参保地所属统筹区 {claimed_pool} 与业务所属统筹区 {pool} 不一致",
            field="insured_division",
        )


BEYOND_ITS_OWN: Mapping[str, str] = {
    "1101": "a person's voucher is shown: who it is and what insurances there are",
    "1162": "a person's QR code is shown",
    "2001": "what a person who is about to be treated may use",
    "5206": "a person's counters of the year: ceilings and deductibles are shared by all hospitals",
    "5301": "a person's chronic-disease filings: they count at every institution",
    "5302": "the institutions that a person has chosen",
    "5303": "of a named person's stay elsewhere its first day, and nothing else",
    "5304": "a person's referrals: they name the institution that is to treat",
    "7201": "a prescription's QR text is shown by the person",
    "7202": "a person's voucher is shown: the prescriptions that may be taken",
    "7203": "a prescription, with the token that its QR text gave",
    "2101": "opens something of its own with a person's voucher",
    "2102": "opens something of its own with a person's voucher",
    "2201": "opens something of its own with a person's voucher",
    "2401": "opens something of its own with a person's voucher",
    "2501": "declares something of its own for a person",
    "2503": "declares something of its own for a person",
    "2505": "declares something of its own for a person",
    "2507": "declares something of its own for a person",
    "6201": "registers an order of its own for a person",
}
"""Transactions in which an institution reaches a person beyond its own data, and why it may.

A caller sees and changes its own institution's data in every other one. What is about nobody
(catalogues, departments, goods) needs no line here.
"""


def may_reach_beyond(number: str) -> bool:
    """Whether a transaction may show or use a person who never was at the caller's institution."""
    return number[:4] in BEYOND_ITS_OWN
