"""Who may do what: the one place where a command's institution and pool are checked.

The writer role is not under row-level security (PostgreSQL refuses COPY there), so every command
passes here before it reaches the database. Queries are bounded by the views of their institutions.
"""

from collections.abc import Collection

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
