"""Admit, change, discharge, reopen and take back stays. Visits are locked before these run.

Whoever opens or moves a stay first locks the humans concerned, over all pools: two hospitals that
admit one human at once are told apart by who came first.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.commands.model import Unit
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.bills import store as bill_store
from yibao.settlement.fees import store as fee_store
from yibao.settlement.fees.lines import store as line_store
from yibao.settlement.model import (
    Admit,
    CancelAdmission,
    ChangeAdmission,
    Discharge,
    ReopenStay,
    VisitFacts,
    VisitKind,
    VisitState,
)
from yibao.settlement.stays import rules
from yibao.settlement.stays.rules import Standing
from yibao.settlement.visits import store
from yibao.settlement.visits.rules import (
    Dates,
    check_alone,
    check_begin,
    check_diagnoses,
    check_enrolment,
    check_own_visit,
    check_provider,
    check_scheme_of_stay,
    check_voucher,
)

if TYPE_CHECKING:
    from asyncpg import Connection

Stays = dict[int, list[Dates]]


async def admit(
    unit: Unit,
    requests: Sequence[Admit],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """Open stays (入院办理). Refused while the human is in hospital, anywhere."""
    outcomes = await try_to_admit(unit, requests, members, reference)
    admitted = [outcome for outcome in outcomes if isinstance(outcome, VisitFacts)]
    if admitted:
        await store.insert(unit.connection, admitted)
    return outcomes


async def try_to_admit(
    unit: Unit,
    requests: Sequence[Admit],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """Decide admissions as ``admit`` does and write nothing; the humans are locked."""
    stays = await _locked_stays(unit, [members.get(request.member) for request in requests])
    outcomes: list[VisitFacts | Refusal] = []
    for request in requests:
        try:
            visit = _admitted(unit, request, members.get(request.member), stays, reference)
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        assert visit.identity is not None
        # two members of one human may come in one batch
        stays.setdefault(visit.identity, []).append((visit.key, visit.begin, visit.end))
        outcomes.append(visit)
    return outcomes


def _admitted(
    unit: Unit, request: Admit, insured: Insured | None, stays: Stays, reference: Reference
) -> VisitFacts:
    day = check_begin(request.begin, unit.now)
    institution = reference.directory.institution(request.institution)
    check_provider(institution, unit.pool, day, VisitKind.STAY)
    check_enrolment(insured, request.scheme, day)
    assert insured is not None
    check_voucher(insured, request.voucher_type, request.voucher_number, request.voucher_holder)
    check_diagnoses(request.diagnoses, reference.catalogue.diagnoses)
    identity = insured.identity.id
    check_alone(request.begin, None, stays.get(identity, ()))
    return VisitFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=request.institution,
        member=request.member,
        scheme=request.scheme,
        state=VisitState.OPEN,
        begin=request.begin,
        voucher_type=request.voucher_type,
        outpatient_number=request.inpatient_number,
        doctor_code=request.doctor_code,
        doctor_name=request.doctor_name,
        department_code=request.department_code,
        department_name=request.department_name,
        speciality="",
        care_kind=request.care_kind,
        condition=request.condition,
        disease_code=request.disease_code,
        disease_name=request.disease_name,
        diagnoses=request.diagnoses,
        maternity={},
        kind=VisitKind.STAY,
        details=dict(request.details),
        identity=identity,
    )


async def change(
    unit: Unit,
    requests: Sequence[ChangeAdmission],
    visits: Mapping[int, VisitFacts],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """Correct admissions (住院信息变更)."""
    standings = await standings_of(unit.connection, unit.pool, _numbers(requests))
    stays = await _locked_stays_of_visits(unit, requests, visits)

    def changed(request: ChangeAdmission) -> VisitFacts:
        visit = _own_stay(request, visits)
        after = rules.changed(visit, request)
        check_begin(after.begin, unit.now)
        check_diagnoses(request.admission.diagnoses, reference.catalogue.diagnoses)
        standing = standings.get(visit.key.number, Standing())
        rules.check_change(visit, after, standing)
        rules.check_begin(after.begin, standing)
        if after.end is not None:
            check_begin(after.end, unit.now)
            rules.check_end(after, after.end, standing, visit.died_on)
        check_alone(after.begin, after.end, _others(visit, stays), visit.key)
        return after

    return await _written(unit, [_tried(changed, request) for request in requests])


async def discharge(
    unit: Unit,
    requests: Sequence[Discharge],
    visits: Mapping[int, VisitFacts],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[VisitFacts | Refusal]:
    """End stays (出院办理). A discharge by death is noted with the person."""
    standings = await standings_of(unit.connection, unit.pool, _numbers(requests))
    stays = await _locked_stays_of_visits(unit, requests, visits)

    def discharged(request: Discharge) -> VisitFacts:
        visit = _own_stay(request, visits)
        standing = standings.get(visit.key.number, Standing())
        rules.check_not_final(standing, "变更出院信息")
        check_scheme_of_stay(visit, request.scheme)
        check_begin(request.end, unit.now)
        check_diagnoses(request.diagnoses, reference.catalogue.diagnoses)
        after = rules.discharged(visit, request)
        insured = members.get(request.member)
        known = None if insured is None else insured.identity.died_on
        rules.check_end(after, request.end, standing, known or after.died_on)
        check_alone(after.begin, after.end, _others(visit, stays), visit.key)
        return after

    outcomes = await _written(unit, [_tried(discharged, request) for request in requests])
    for outcome in outcomes:
        if isinstance(outcome, VisitFacts) and outcome.died_on is not None:
            insured = members.get(outcome.member)
            assert outcome.identity is not None
            if insured is None or insured.identity.died_on is None:
                await people.record_death(
                    unit.connection, outcome.identity, outcome.died_on, now=unit.now
                )
    return outcomes


async def reopen(
    unit: Unit, requests: Sequence[ReopenStay], visits: Mapping[int, VisitFacts]
) -> list[VisitFacts | Refusal]:
    """Take discharges back (出院撤销); a death that was noted stays noted with the person."""
    standings = await standings_of(unit.connection, unit.pool, _numbers(requests))
    stays = await _locked_stays_of_visits(unit, requests, visits)

    def reopened(request: ReopenStay) -> VisitFacts:
        visit = _own_stay(request, visits)
        rules.check_not_final(standings.get(visit.key.number, Standing()), "撤销出院")
        after = rules.reopened(visit)
        check_alone(after.begin, None, _others(visit, stays), visit.key)
        return after

    return await _written(unit, [_tried(reopened, request) for request in requests])


async def cancel(
    unit: Unit, requests: Sequence[CancelAdmission], visits: Mapping[int, VisitFacts]
) -> list[VisitFacts | Refusal]:
    """Take admissions back (入院撤销) that have neither lines nor settlements."""
    standings = await standings_of(unit.connection, unit.pool, _numbers(requests))

    def cancelled(request: CancelAdmission) -> VisitFacts:
        visit = _own_stay(request, visits)
        rules.check_removable(standings.get(visit.key.number, Standing()))
        return rules.cancelled(visit)

    outcomes = [_tried(cancelled, request) for request in requests]
    done = [visit.key.number for visit in outcomes if isinstance(visit, VisitFacts)]
    if done:
        await store.cancel(unit.connection, unit.pool, done)
    return outcomes


async def reverse_admission(unit: Unit, visit: PoolKey) -> None:
    """Undo an admission whose answer was lost; nothing when it was taken back already."""
    found = (await store.load(unit.connection, unit.pool, [visit.number])).get(visit.number)
    if found is None or found.state is VisitState.CANCELLED:
        return
    standing = await standings_of(unit.connection, unit.pool, [visit.number])
    rules.check_removable(standing.get(visit.number, Standing()))
    await store.cancel(unit.connection, unit.pool, [visit.number])


async def standings_of(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> dict[int, Standing]:
    """What stays have beside their dates; stays with nothing lack."""
    if not visits:
        return {}
    found: dict[int, Standing] = {}
    finals = await bill_store.final_settlements(connection, pool, visits)
    spans = await line_store.fee_days(connection, pool, visits)
    for batch in await fee_store.batches_of(connection, pool, visits):
        standing = found.get(batch.visit, Standing())
        living = batch.living_settlement
        settled = {key.number for key in standing.settled} | ({living} if living else set())
        found[batch.visit] = Standing(
            standing.lines + batch.line_count,
            tuple(PoolKey(pool, number) for number in sorted(settled)),
            PoolKey(pool, finals[batch.visit]) if batch.visit in finals else None,
            *spans.get(batch.visit, (None, None)),
        )
    return found


# ----------------------------------------------------------------------------------------- private

_Request = ChangeAdmission | Discharge | ReopenStay | CancelAdmission


def _numbers(requests: Sequence[_Request]) -> list[int]:
    return [request.visit.number for request in requests]


def _own_stay(request: _Request, visits: Mapping[int, VisitFacts]) -> VisitFacts:
    found = visits.get(request.visit.number)
    return check_own_visit(found, request.institution, request.member, VisitKind.STAY)


def _others(visit: VisitFacts, stays: Stays) -> Sequence[Dates]:
    assert visit.identity is not None, "a stay has its human"
    return stays.get(visit.identity, ())


async def _locked_stays(unit: Unit, insured: Sequence[Insured | None]) -> Stays:
    identities = sorted({one.identity.id for one in insured if one is not None})
    return await _stays_of_locked(unit, identities)


async def _locked_stays_of_visits(
    unit: Unit, requests: Sequence[_Request], visits: Mapping[int, VisitFacts]
) -> Stays:
    known = (visits.get(number) for number in _numbers(requests))
    identities = sorted({v.identity for v in known if v is not None and v.identity is not None})
    return await _stays_of_locked(unit, identities)


async def _stays_of_locked(unit: Unit, identities: Sequence[int]) -> Stays:
    if not identities:
        return {}
    await store.lock_people(unit.connection, identities)
    return await store.stays_of(unit.connection, identities)


def _tried(decide: Any, request: _Request) -> VisitFacts | Refusal:
    try:
        visit: VisitFacts = decide(request)
    except Refused as refused:
        return refused.refusal
    return visit


async def _written(unit: Unit, outcomes: list[VisitFacts | Refusal]) -> list[VisitFacts | Refusal]:
    changed = [outcome for outcome in outcomes if isinstance(outcome, VisitFacts)]
    if changed:
        await store.change_stays(unit.connection, unit.pool, changed)
    return outcomes
