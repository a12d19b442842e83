"""Upload a settlement list, change its state, find it again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.people.service import load_members
from yibao.registry.service import Reference
from yibao.settlement import service as settlements
from yibao.uploads.documents import service as documents
from yibao.uploads.documents.model import KeepDocument
from yibao.uploads.settlement_lists import rules, store
from yibao.uploads.settlement_lists.model import (
    ChangeListStates,
    ListFacts,
    ListState,
    UploadList,
)

if TYPE_CHECKING:
    from asyncpg import Connection


async def upload(unit: Unit, vault: Vault, reference: Reference, request: UploadList) -> ListFacts:
    """Take a list over that agrees with its settlement; the version before it is kept."""
    claims = request.claims
    facts = rules.check_settlement(
        await settlements.settlement(unit.connection, claims.settlement),
        request.institution,
        claims,
    )
    visit = await settlements.visit(unit.connection, facts.visit)
    assert visit is not None, "a settlement has a visit"
    standing = await _standing(unit, claims.settlement)
    rules.check_replaceable(standing)
    rules.check_claims(claims, facts, visit)
    members = await load_members(unit.connection, vault, unit.pool, [facts.member])
    identity = members[facts.member].identity
    document = await documents.write(
        unit,
        vault,
        KeepDocument(
            institution=request.institution,
            transaction=request.transaction,
            record=(claims.settlement.text(),),
            content=request.content,
            visit=facts.visit,
            member=facts.member,
        ),
    )
    made = ListFacts(
        key=standing.key if standing else PoolKey(unit.pool, unit.numbers.next(unit.now)),
        settlement=claims.settlement,
        version=standing.version + 1 if standing else 1,
        institution=request.institution,
        member=facts.member,
        settled_on=business_date(facts.settled_at),
        care_kind=facts.care_kind,
        state=request.state,
        document=document.key,
        findings=rules.quality(claims, facts, visit, identity, reference.catalogue.diagnoses),
        changed_at=unit.now,
    )
    await store.insert(unit.connection, made)
    return made


async def change_states(unit: Unit, request: ChangeListStates) -> None:
    """Submit lists, or open submitted ones again; a list in that state already stays as it is."""
    numbers = [settlement.number for settlement, _, _ in request.changes]
    standing = await store.latest(unit.connection, unit.pool, numbers)
    for place, (settlement, member, state) in enumerate(request.changes, 1):
        facts = standing.get(settlement.number)
        if facts is None or facts.institution != request.institution:
            raise Refused(
                RefusalCode.LIST_UNKNOWN,
                f"第{place}条：结算 {settlement.text()} 没有本机构上传的结算清单",
                f"changes[{place}].settlement",
            )
        if member not in (None, facts.member):
            raise Refused(
                RefusalCode.PERSON_DIFFERS,
                f"第{place}条：人员编号不是该结算的人员",
                f"changes[{place}].member",
            )
        if state is ListState.SUBMITTED:
            await _check_living(unit, settlement)
    for settlement, _, state in request.changes:
        facts = standing[settlement.number]
        if facts.state is not state:
            changed = replace(facts, version=facts.version + 1, state=state, changed_at=unit.now)
            await store.insert(unit.connection, changed)
            standing[settlement.number] = changed


async def _check_living(unit: Unit, settlement: PoolKey) -> None:
    facts = await settlements.settlement(unit.connection, settlement)
    if facts is None or facts.cancelled_by is not None:
        raise Refused(RefusalCode.SETTLEMENT_CANCELLED, "该结算已撤销，清单不能提交", "settlement")


async def _standing(unit: Unit, settlement: PoolKey) -> ListFacts | None:
    found = await store.latest(unit.connection, unit.pool, [settlement.number])
    return found.get(settlement.number)


# -------------------------------------------------------------------------------------------- read


async def recall(connection: "Connection[Any]", reference: Mapping[str, Any]) -> ListFacts:
    """The version that a repeated upload is answered with again."""
    settlement = parse_pool_key(reference["settlement"])
    assert settlement is not None, reference
    facts = await store.version(connection, settlement, reference["version"])
    assert facts is not None, "a version is never deleted"
    return facts


async def settlement_list(connection: "Connection[Any]", settlement: PoolKey) -> ListFacts | None:
    """What stands of a settlement's list, as the reader may see it."""
    found = await store.latest(connection, Pool(settlement.pool), [settlement.number])
    return found.get(settlement.number)


async def lists_of_institution(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[ListFacts]:
    """An institution's lists over all pools, settled ``start`` ≤ day < ``end``."""
    return await store.of_institution(connection, institution, start, end)
