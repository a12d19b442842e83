"""What is on file of members beside enrolment: noted by a clerk, or declared by an institution.

A clerk notes traits and filings for care away from home; an institution declares referrals,
diseases, choices and injuries under a serial number, by which it may take them back. All are dated
and never overwritten. The clerk's services run inside the caller's transaction and take its
instant as ``now`` (aware UTC).
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period, business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.policy.terms import Filing
from yibao.registry.filings import rules
from yibao.registry.filings import store as declarations
from yibao.registry.filings.model import (
    Declaration,
    DeclarationKind,
    Declare,
    DeclareChoice,
    DeclareDisease,
    DeclareInjury,
    DeclareTransfer,
    WithdrawDeclaration,
)
from yibao.registry.people import service as people
from yibao.registry.people import store
from yibao.registry.people.model import (
    DesignatedInstitution,
    FiledCare,
    FiledDisease,
    Insured,
    Trait,
)
from yibao.registry.representatives.model import Act
from yibao.registry.representatives.service import may_act_for
from yibao.registry.rules import overwrite

if TYPE_CHECKING:
    from asyncpg import Connection

AGENT_NUMBER, AGENT_DOCUMENT = "agnter_certno", "agnter_cert_type"
"""Names in ``contact`` of an agent's document, as the interface calls them."""

# ---------------------------------------------------------------------------------- a clerk's notes


async def note_trait(
    connection: "Connection[Any]", pool: Pool, number: str, trait: Trait, *, now: datetime
) -> None:
    """Note a word that holds of a member in a period (rank of a civil servant, signed …)."""
    if not trait.word.strip():
        raise Refused(RefusalCode.FIELD_MISSING, "待遇标识不能为空", "word")
    await _rewrite_trait(connection, pool, number, trait.word, trait.period, trait, now)


async def end_trait(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    word: str,
    period: Period,
    *,
    now: datetime,
) -> None:
    """Say that a word does not hold of a member in a period."""
    await _rewrite_trait(connection, pool, number, word, period, None, now)


async def file_care(
    connection: "Connection[Any]", pool: Pool, number: str, filed: FiledCare, *, now: datetime
) -> None:
    """File a member's care away from home for a period (异地就医备案), one place of a kind."""
    if filed.kind is Filing.NONE:
        raise Refused(RefusalCode.FIELD_INVALID, "备案类型不能为空", "kind")
    await _rewrite_filing(connection, pool, number, filed, filed, now)


async def withdraw_filing(
    connection: "Connection[Any]", pool: Pool, number: str, filed: FiledCare, *, now: datetime
) -> None:
    """Withdraw what is on file of a kind and place for the period that ``filed`` names."""
    await _rewrite_filing(connection, pool, number, filed, None, now)


# -------------------------------------------------------------------- an institution's declarations


def handlers(vault: Vault) -> Mapping[type, Handler]:
    """Who runs each kind of request of this room."""
    kinds = (*_DECLARE, WithdrawDeclaration)
    return dict.fromkeys(kinds, partial(_handle, vault))


async def referrals(
    connection: "Connection[Any]", vault: Vault, pool: Pool, member: str, first: date, last: date
) -> list[Declaration]:
    """The member's referrals from ``first`` to ``last`` (days of referral), whoever made them."""
    return await declarations.referrals(connection, vault, pool, member, first, last)


async def own_referrals(
    connection: "Connection[Any]", vault: Vault, institution: str, first: date, last: date
) -> list[Declaration]:
    """The referrals that an institution made from ``first`` to ``last``."""
    return await declarations.own_referrals(connection, vault, institution, first, last)


async def _handle(vault: Vault, unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for command in commands:
        try:
            key = await _do(unit, vault, command.request)
        except Refused as refused:
            outcomes.append(refused.refusal)
        else:
            outcomes.append(Done(key, {"declaration": key.number}))
    return outcomes


async def _check_agent(unit: Unit, vault: Vault, request: Declare, member: Insured | None) -> None:
    """Refused: AGENT_UNKNOWN when a named agent is not one whom the member lets file.

    Not told apart: nobody learns who is known.
    """
    number = request.contact.get(AGENT_NUMBER)
    if number is None or member is None:
        return
    kind = request.contact.get(AGENT_DOCUMENT, "01")
    for agent in await people.find_by_document(unit.connection, vault, kind, number):
        if await may_act_for(
            unit.connection, agent.identity.id, member.identity.id, Act.FILE, unit.day
        ):
            return
    raise Refused(
        RefusalCode.AGENT_UNKNOWN,
        "agnter_certno（代办人证件号码）不是参保人已登记的代办人",
        AGENT_NUMBER,
    )


async def _do(unit: Unit, vault: Vault, request: Declare | WithdrawDeclaration) -> PoolKey:
    """Decide, then write: a refusal must leave the batch of others as it was."""
    await _lock(unit.connection, unit.pool, request.member)
    if isinstance(request, WithdrawDeclaration):
        return await _withdraw(unit, vault, request)
    rules.check_days(request.begin, request.end, unit.day)
    known = await people.load_members(unit.connection, vault, unit.pool, [request.member])
    if request.agent_checked:
        await _check_agent(unit, vault, request, known.get(request.member))
    declare = _DECLARE[type(request)]
    return await declare(unit, vault, request, known[request.member])


async def _declare_transfer(
    unit: Unit, vault: Vault, request: DeclareTransfer, insured: Insured
) -> PoolKey:
    rules.check_not_to_come(request.referred_on, unit.day, "referred_on")
    enrolment = rules.enrolment_at(insured, request.scheme, request.begin)
    connection = unit.connection
    if not await declarations.is_diagnosis(connection, request.diagnosis):
        raise Refused(
            RefusalCode.CODE_UNKNOWN,
            f"诊断代码 {request.diagnosis} 不在医保疾病诊断目录中",
            "diagnosis",
        )
    standing = None
    if request.receiving is not None:
        standing = await declarations.standing(connection, request.receiving, request.begin)
    place = rules.place_of_transfer(request.place, standing)
    rules.check_province(place, enrolment.division, request.outside_province)
    rules.check_transfer_is_new(insured, request.receiving, place, request.period)
    details = {**request.details, SCHEME: enrolment.scheme, PLACE: place}
    key = await _keep(unit, vault, DeclarationKind.TRANSFER, request, request.referred_on, details)
    filed = FiledCare(Filing.TRANSFER, request.period, place, request.receiving)
    row = store.filing_row(unit.pool, request.member, filed, unit.now, key.number)
    await store.copy(connection, "filing", [row])
    return key


async def _declare_disease(
    unit: Unit, vault: Vault, request: DeclareDisease, insured: Insured
) -> PoolKey:
    if request.identified_on is not None:
        rules.check_not_to_come(request.identified_on, unit.day, "identified_on")
    rules.enrolment_at(insured, request.scheme, request.begin)
    is_diagnosis = await declarations.is_diagnosis(unit.connection, request.code)
    rules.check_disease(request.code, is_diagnosis=is_diagnosis)
    rules.check_disease_is_new(insured, request.code, request.period)
    occurred_on = request.identified_on or request.begin
    key = await _keep(unit, vault, DeclarationKind.DISEASE, request, occurred_on, request.details)
    filed = FiledDisease(request.code, request.name, request.period)
    row = store.disease_row(unit.pool, request.member, filed, unit.now, key.number)
    await store.copy(unit.connection, "disease_filing", [row])
    return key


async def _declare_choice(
    unit: Unit, vault: Vault, request: DeclareChoice, insured: Insured
) -> PoolKey:
    rules.enrolment_at(insured, None, request.begin)
    standing = await declarations.standing(unit.connection, request.designated, request.begin)
    if standing is None:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN,
            f"{request.designated} 在 {request.begin} 不是本平台的定点医药机构",
            "designated",
        )
    rules.check_choice(insured, request.designated, request.business, request.order, request.period)
    key = await _keep(
        unit, vault, DeclarationKind.DESIGNATION, request, request.begin, request.details
    )
    chosen = DesignatedInstitution(
        request.designated, request.business, request.order, request.period
    )
    row = store.designation_row(unit.pool, request.member, chosen, unit.now, key.number)
    await store.copy(unit.connection, "designation", [row])
    return key


async def _declare_injury(
    unit: Unit, vault: Vault, request: DeclareInjury, insured: Insured
) -> PoolKey:
    if request.injured_at > unit.now:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, "受伤时间晚于当前时间", "injured_at")
    day = business_date(request.injured_at)
    rules.enrolment_at(insured, request.scheme, request.begin)
    details = {**request.details, _INJURED_AT: request.injured_at.isoformat()}
    for known in await declarations.injuries(unit.connection, vault, unit.pool, request.member):
        if known.details[_INJURED_AT] == details[_INJURED_AT]:
            raise Refused(
                RefusalCode.FILING_EXISTS, "该次意外伤害已有备案，请勿重复办理", "injured_at"
            )
    return await _keep(unit, vault, DeclarationKind.INJURY, request, day, details)


async def _withdraw(unit: Unit, vault: Vault, request: WithdrawDeclaration) -> PoolKey:
    connection, owner = unit.connection, (unit.pool, request.member)
    found = await declarations.declaration(connection, vault, request.key)
    rules.check_withdrawal(found, request)
    await declarations.insert_withdrawal(connection, request, unit.now)
    table = _FOLLOWS.get(request.kind)
    if table is not None:
        rows = await store.declared(connection, table, *owner, request.key.number)
        await store.supersede(connection, table, owner, rows, unit.now)
    return request.key


async def _keep(
    unit: Unit,
    vault: Vault,
    kind: DeclarationKind,
    request: Declare,
    occurred_on: date,
    details: Mapping[str, Any],
) -> PoolKey:
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    await declarations.insert(
        unit.connection,
        vault,
        Declaration(
            key=key,
            kind=kind,
            institution=request.institution,
            member=request.member,
            occurred_on=occurred_on,
            period=request.period,
            details=details,
            contact=request.contact,
            declared_at=unit.now,
            withdrawn_at=None,
        ),
    )
    return key


SCHEME, PLACE, _INJURED_AT = "scheme", "place", "injured_at"
"""What we found out ourselves, among a declaration's details."""

_FOLLOWS = {
    DeclarationKind.TRANSFER: "filing",
    DeclarationKind.DISEASE: "disease_filing",
    DeclarationKind.DESIGNATION: "designation",
}
"""The table of what follows from a declaration for the member; of an injury nothing does."""

_DECLARE: dict[type, Callable[..., Coroutine[Any, Any, PoolKey]]] = {
    DeclareTransfer: _declare_transfer,
    DeclareDisease: _declare_disease,
    DeclareChoice: _declare_choice,
    DeclareInjury: _declare_injury,
}


# ----------------------------------------------------------------------------------------- private


async def _rewrite_trait(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    word: str,
    period: Period,
    fact: Trait | None,
    now: datetime,
) -> None:
    await _lock(connection, pool, number)
    same = [
        (row_id, row)
        for row_id, row in await store.traits(connection, pool, number)
        if row.word == word
    ]
    ended, added = overwrite(same, period, fact)
    await store.supersede(connection, "trait", (pool, number), ended, now)
    rows = [store.trait_row(pool, number, row, now) for row in added]
    await store.copy(connection, "trait", rows)


async def _rewrite_filing(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    filed: FiledCare,
    fact: FiledCare | None,
    now: datetime,
) -> None:
    await _lock(connection, pool, number)
    same = [
        (row_id, row)
        for row_id, row in await store.filings(connection, pool, number)
        if (row.kind, row.place) == (filed.kind, filed.place)
    ]
    ended, added = overwrite(same, filed.period, fact)
    await store.supersede(connection, "filing", (pool, number), ended, now)
    rows = [store.filing_row(pool, number, row, now) for row in added]
    await store.copy(connection, "filing", rows)


async def _lock(connection: "Connection[Any]", pool: Pool, number: str) -> None:
    if not await store.lock_membership(connection, pool, number):
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在", "member")
