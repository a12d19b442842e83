"""The pool's desk: who moves money that clearing owes holds it, one at a time."""

from yibao.clearing import store
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.registry.institutions.model import Directory, Institution


async def take_desk(unit: Unit) -> None:
    """Hold the pool's desk until the unit ends: what is read of payables then stays true."""
    await store.hold_desk(unit.connection, unit.pool)


def own_institution(directory: Directory, pool: Pool, code: str) -> Institution:
    """A designated institution that the pool's bureau pays. Refused when it is another's."""
    institution = directory.institution(code)
    if institution is None:
        raise Refused(RefusalCode.INSTITUTION_UNKNOWN, f"医药机构{code}不存在", "institution")
    if institution.home_pool != pool:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"医药机构{code}属于统筹区{institution.home_pool}，不由统筹区{pool}清算",
            "institution",
        )
    return institution
