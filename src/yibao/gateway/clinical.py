"""Clinical records (诊疗资料上传): 43xx to 47xx, each kept sealed as one document a record.

What differs between the transactions is declared; how they are checked and kept is one function.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import Handle, transaction
from yibao.gateway.documents import (
    Fields,
    check_institution,
    document_of,
    the_value_of,
    values_of,
)
from yibao.gateway.pools import check_pool, pool_of_member, visit_key
from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.uploads.documents.model import KeepDocument


@dataclass(frozen=True, slots=True)
class Clinical:
    """What there is to know of one transaction."""

    number: str
    about: str
    """What is uploaded, for the reference."""
    record: tuple[str, ...] = ()
    """Fields that tell several documents of one visit apart: a later upload with the same values
    stands for the earlier one."""


DECLARED = (
    Clinical("4301", "Outpatient and emergency records (门急诊诊疗记录)", ("rxno",)),
    Clinical("4302", "Emergency observation, operation and rescue (急诊留观手术及抢救信息)"),
    Clinical("4401", "The front page of an inpatient record (住院病案首页信息)"),
    Clinical("4402", "Inpatient orders (住院医嘱记录)", ("drord_no", "drord_sn")),
    Clinical("4501", "Examination reports (临床检查报告记录)", ("appy_no", "rpotc_no")),
    Clinical("4502", "Laboratory reports (临床检验报告记录)", ("appy_no", "rpotc_no")),
    Clinical("4503", "Bacterial culture reports (细菌培养报告记录)", ("appy_no", "rpotc_no")),
    Clinical("4504", "Drug sensitivity reports (药敏记录报告记录)", ("appy_no", "rpotc_no")),
    Clinical("4505", "Pathology reports (病理检查报告记录)", ("palg_no", "rpotc_no")),
    Clinical("4506", "Unstructured reports (非结构化报告记录)", ("rpotc_no", "rpt_no")),
    Clinical("4601", "Blood transfusions (输血信息)", ("bld_sn", "bld_time")),
    Clinical("4602", "Vital signs (护理操作生命体征测量记录)", ("meas_time", "rcd_time")),
    Clinical("4701", "Electronic medical records (电子病历上传)"),
)
"""The fields that tell records apart are inferred; where a message has none of them, its visit has
one document of the transaction."""

OWN_VISIT = ("mdtrt_sn", "就医流水号")
VISIT = ("mdtrt_id", "就诊ID")
MEMBER = ("psn_no", "人员编号")


def _offer(declared: Clinical) -> None:
    async def keep(call: Call) -> Any:
        await _keep(call, declared)

    keep.__doc__ = f"{declared.about}: kept as sent, known fields checked."
    offered: Handle = keep
    transaction(declared.number)(offered)


for _declared in DECLARED:
    _offer(_declared)


async def _keep(call: Call, declared: Clinical) -> None:
    content = document_of(call)
    check_institution(call, content)
    own_visit = the_value_of(content, *OWN_VISIT)
    member = the_value_of(content, *MEMBER)
    pool, visit = _place(call, the_value_of(content, *VISIT), member)
    if visit is None and own_visit is None:
        raise missing(*OWN_VISIT)
    request = KeepDocument(
        institution=call.institution.code,
        transaction=declared.number,
        record=_record(declared, content, visit, own_visit),
        content=content,
        visit=visit,
        member=member,
        own_visit=own_visit,
    )

    async def recall(_: Mapping[str, Any]) -> None:
        return None

    subject = visit.text() if visit else call.institution.code + (own_visit or "")
    # The digest covers all that was sent, not only what the table lists.
    await replace(call, input=content).perform(pool, subject, request, recall)


def _place(call: Call, visit: str | None, member: str | None) -> tuple[Pool, PoolKey | None]:
    """The pool that a document lies in, and the platform's visit it is about."""
    if visit is not None and member is not None:
        key = visit_key(call, visit, member)
        return key.pool, key
    if member is not None:
        return pool_of_member(call, member), None
    if visit is None:
        return NO_PERSON_POOL, None
    known = parse_pool_key(visit)
    if known is None or known.pool not in call.reference.directory.pools:
        raise Refused(
            RefusalCode.VISIT_UNKNOWN, f"mdtrt_id（就诊ID）{visit} 不存在或不属于本机构", "mdtrt_id"
        )
    check_pool(call, known.pool)
    return known.pool, known


def _record(
    declared: Clinical, content: Fields, visit: PoolKey | None, own_visit: str | None
) -> tuple[str, ...]:
    """What makes two uploads versions of one document: the visit, and the numbers in it."""
    numbers = [
        f"{name}={value}" for name in declared.record for value in sorted(values_of(content, name))
    ]
    return (visit.text() if visit else own_visit or "", *numbers)
