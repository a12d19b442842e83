"""Register, describe and withdraw visits. Visits are locked by the room before these run."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.model import (
    CancelRegistration,
    DescribeVisit,
    RegisterVisit,
    VisitFacts,
    VisitState,
)
from yibao.settlement.visits import rules, store

if TYPE_CHECKING:
    from asyncpg import Connection

REGISTERED_WITHIN = timedelta(days=31)
"""How long after its begin a visit is looked for among those that were put away."""


async def register(
    unit: Unit,
    requests: Sequence[RegisterVisit],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """Open visits (门诊挂号)."""
    stays = await stays_of(unit.connection, members.values())
    outcomes = [_registered(unit, request, members, stays, reference) for request in requests]
    visits = [outcome for outcome in outcomes if isinstance(outcome, VisitFacts)]
    if visits:
        await store.insert(unit.connection, visits)
    return outcomes


def _registered(
    unit: Unit,
    request: RegisterVisit,
    members: Mapping[str, Insured],
    stays: Mapping[int, Sequence[rules.Dates]],
    reference: Reference,
) -> VisitFacts | Refusal:
    try:
        day = rules.check_begin(request.begin, unit.now)
        institution = reference.directory.institution(request.institution)
        rules.check_provider(institution, unit.pool, day)
        insured = members.get(request.member)
        rules.check_enrolment(insured, request.scheme, day)
        assert insured is not None
        rules.check_voucher(
            insured, request.voucher_type, request.voucher_number, request.voucher_holder
        )
        rules.check_not_in_hospital(day, stays.get(insured.identity.id, ()))
    except Refused as refused:
        return refused.refusal
    return VisitFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=request.institution,
        member=request.member,
        scheme=request.scheme,
        state=VisitState.OPEN,
        begin=request.begin,
        voucher_type=request.voucher_type,
        outpatient_number=request.outpatient_number,
        doctor_code=request.doctor_code,
        doctor_name=request.doctor_name,
        department_code=request.department_code,
        department_name=request.department_name,
        speciality=request.speciality,
        care_kind=None,
        condition=None,
        disease_code=None,
        disease_name=None,
        diagnoses=(),
        maternity={},
    )


def moves(request: DescribeVisit, visits: Mapping[int, VisitFacts]) -> bool:
    """Whether a description gives its visit another day; then it counts what was settled."""
    visit = visits.get(request.visit.number)
    return visit is not None and business_date(visit.begin) != business_date(request.begin)


async def describe(
    unit: Unit,
    requests: Sequence[DescribeVisit],
    visits: Mapping[int, VisitFacts],
    settled: Mapping[int, int],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """Say what visits were (门诊就诊信息); a second description replaces the first.

    ``settled`` counts the living settlements of each that moves to another day.
    """
    outcomes = [_described(unit, request, visits, settled, reference) for request in requests]
    described = [outcome for outcome in outcomes if isinstance(outcome, VisitFacts)]
    if described:
        await store.describe(unit.connection, unit.pool, described)
    return outcomes


def _described(
    unit: Unit,
    request: DescribeVisit,
    visits: Mapping[int, VisitFacts],
    settled: Mapping[int, int],
    reference: Reference,
) -> VisitFacts | Refusal:
    try:
        visit = rules.check_own_visit(
            visits.get(request.visit.number), request.institution, request.member
        )
        rules.check_begin(request.begin, unit.now)
        rules.check_same_day(visit, request.begin, settled.get(visit.key.number, 0))
        rules.check_diagnoses(request.diagnoses, reference.catalogue.diagnoses)
    except Refused as refused:
        return refused.refusal
    return replace(
        visit,
        begin=request.begin,
        care_kind=request.care_kind,
        condition=request.condition,
        disease_code=request.disease_code,
        disease_name=request.disease_name,
        diagnoses=request.diagnoses,
        maternity=request.maternity,
    )


async def cancel_registration(
    unit: Unit,
    requests: Sequence[CancelRegistration],
    visits: Mapping[int, VisitFacts],
    settled: Mapping[int, int],
) -> list[VisitFacts | Refusal]:
    """Withdraw visits (挂号撤销); ``settled`` counts the living settlements of each."""
    outcomes = [_cancelled(request, visits, settled) for request in requests]
    cancelled = [outcome for outcome in outcomes if isinstance(outcome, VisitFacts)]
    if cancelled:
        await store.cancel(unit.connection, unit.pool, [visit.key.number for visit in cancelled])
    return outcomes


def _cancelled(
    request: CancelRegistration, visits: Mapping[int, VisitFacts], settled: Mapping[int, int]
) -> VisitFacts | Refusal:
    try:
        visit = rules.check_own_visit(
            visits.get(request.visit.number), request.institution, request.member
        )
        if visit.outpatient_number != request.outpatient_number:
            raise Refused(
                RefusalCode.FIELD_INVALID, "住院/门诊号与挂号登记不一致", "outpatient_number"
            )
        if count := settled.get(visit.key.number, 0):
            raise Refused(
                RefusalCode.VISIT_SETTLED,
                f"该就诊还有 {count} 笔有效结算，请先用 2208 撤销结算",
                "visit",
            )
    except Refused as refused:
        return refused.refusal
    return replace(visit, state=VisitState.CANCELLED)


async def stays_of(
    connection: "Connection[Any]", people: Iterable[Insured]
) -> Mapping[int, Sequence[rules.Dates]]:
    """The stays of humans over all pools, by identity: for decisions, not for telling."""
    identities = sorted({insured.identity.id for insured in people})
    return await store.stays_of(connection, identities) if identities else {}


async def visit(connection: "Connection[Any]", key: PoolKey) -> VisitFacts | None:
    """One visit as the reader may see it."""
    return (await store.load(connection, key.pool, [key.number])).get(key.number)


async def visits_of(
    connection: "Connection[Any]", pool: Pool, member: str, begin: datetime, end: datetime
) -> list[VisitFacts]:
    """A member's visits in a span of time, as the reader may see them. May be Refused."""
    # a visit may be registered some days after it began
    until = business_date(end) + REGISTERED_WITHIN
    await missing.bring_days(connection, pool, business_date(begin), until, {"member": [member]})
    return await store.of_member(connection, pool, member, begin, end)


async def in_hospital(
    connection: "Connection[Any]", institution: str, until: datetime, member: str | None = None
) -> list[VisitFacts]:
    """Who lies in a hospital: its stays without a discharge that began up to ``until``."""
    return await store.in_hospital(connection, institution, until, member)
