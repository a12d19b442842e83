"""The door of the room: rules of use, checked before, while and after care is given.

An audit is written down with what it found, under the message that asked for it: a repeated message
gets the first findings, under the same numbers, and a hospital can answer them (3103).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import add_months
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.people.service import load_members
from yibao.registry.service import ReferenceCache
from yibao.settlement import service as settlements
from yibao.settlement.model import VisitFacts
from yibao.supervision import knowledge, store
from yibao.supervision.model import (
    Action,
    AnswerFindings,
    Audit,
    AuditedVisit,
    AuditFacts,
    Care,
    Certainty,
    Evidence,
    Finding,
    OrderLine,
    Patient,
    Rule,
    Stage,
    StoredFinding,
)
from yibao.supervision.rules import check

if TYPE_CHECKING:
    from asyncpg import Connection, Record

KEPT_MONTHS = 60
"""A finding is needed as long as an infringement may be punished: five years."""


# ------------------------------------------------------------------------------------------- check


def findings(
    lines: Sequence[OrderLine],
    patient: Patient,
    care: Care,
    stage: Stage = Stage.DURING,
    *,
    rules: Collection[Rule] = tuple(Rule),
) -> list[Finding]:
    """What the packaged rules find in lines of one visit; nothing is written."""
    limits, version = knowledge.limits(), knowledge.VERSION
    return check(lines, patient, care, stage, limits, version, rules=rules)


# ----------------------------------------------------------------------------------------- handlers


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room; reads the limits of use meanwhile."""
    knowledge.limits()  # now: no ward's first call has to wait for it

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        return [await _outcome(unit, vault, command) for command in commands]

    return {Audit: handle, AnswerFindings: handle}


async def _outcome(unit: Unit, vault: Vault, command: Command) -> Outcome:
    request = command.request
    try:
        if isinstance(request, Audit):
            facts = await audit(unit, vault, request)
            return Done(facts, {"audit": facts.key.text()})
        await answer(unit, vault, request)
    except Refused as refused:
        return refused.refusal
    return Done(None, {})


async def audit(unit: Unit, vault: Vault, request: Audit) -> AuditFacts:
    """Check visits against the rules and write down what was found (明细审核).

    Sex and birth of a visit that the platform knows are the registry's, of another what the message
    says. Refused when, with the bill at hand (事中), a visit is not one of the institution.
    """
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    found: list[StoredFinding] = []
    for visit in request.visits:
        known = await _known(unit, vault, request, visit)
        for finding in findings(
            known.lines, known.patient, known.care, request.stage, rules=request.rules
        ):
            number = PoolKey(unit.pool, unit.numbers.next(unit.now))
            found.append(StoredFinding(number, visit.person, visit.visit, finding))
    await store.insert_audit(
        unit.connection,
        (
            unit.pool,
            key.number,
            request.institution,
            request.stage.value,
            request.scene,
            request.task,
            len(request.visits),
            sum(len(visit.lines) for visit in request.visits),
            knowledge.VERSION,
            unit.now,
        ),
    )
    expires_on = add_months(unit.day, KEPT_MONTHS)
    rows = [_row(vault, key, request.institution, one, expires_on) for one in found]
    await store.insert_findings(unit.connection, rows)
    return AuditFacts(key, request.institution, request.task, unit.now, tuple(found))


async def answer(unit: Unit, vault: Vault, request: AnswerFindings) -> None:
    """Keep what the hospital did about findings of its own; refused for another's."""
    owners = await store.owners(
        unit.connection, unit.pool, [one.finding.number for one in request.answers]
    )
    for place, one in enumerate(request.answers, 1):
        own = one.finding.pool == unit.pool and owners.get(one.finding.number)
        if own != request.institution:
            raise Refused(
                RefusalCode.FINDING_UNKNOWN,
                f"第{place}条：审核结果 {one.finding.text()} 不存在或不属于本机构",
                f"findings[{place}].finding",
            )
    await store.insert_answers(
        unit.connection,
        [
            (
                unit.pool,
                one.finding.number,
                unit.numbers.next(unit.now),
                request.institution,
                request.operator,
                request.message_id,
                one.way,
                vault.seal(one.reason),
                unit.now,
            )
            for one in request.answers
        ],
    )


async def _known(unit: Unit, vault: Vault, request: Audit, visit: AuditedVisit) -> AuditedVisit:
    """The visit with the person's sex and birth as registered, where the platform knows it."""
    facts = await _own_visit(unit, request.institution, visit.visit)
    if facts is None:
        if request.stage is Stage.BEFORE:
            return visit
        raise Refused(
            RefusalCode.VISIT_UNKNOWN,
            f"mdtrt_id（就诊ID）{visit.visit} 不存在或不属于本机构",
            "visit",
        )
    members = await load_members(unit.connection, vault, facts.key.pool, [facts.member])
    identity = members[facts.member].identity
    return replace(visit, patient=Patient(identity.gender, identity.birth_date))


async def _own_visit(unit: Unit, institution: str, text: str) -> VisitFacts | None:
    key = parse_pool_key(text)
    facts = None if key is None else await settlements.visit(unit.connection, key)
    return facts if facts is not None and facts.institution == institution else None


# -------------------------------------------------------------------------------------------- read


async def recall_audit(
    connection: "Connection[Any]", vault: Vault, reference: Mapping[str, Any]
) -> AuditFacts:
    """The audit that a repeated message is answered with again."""
    key = parse_pool_key(reference["audit"])
    assert key is not None, reference
    assert key.pool == NO_PERSON_POOL, reference
    row = await store.audit(connection, key.pool, key.number)
    assert row is not None, "a remembered audit is never deleted"
    found = await store.findings_of(connection, key.pool, key.number)
    return AuditFacts(
        key,
        row["institution"],
        row["task"],
        row["audited_at"],
        tuple(_stored(vault, key, one) for one in found),
    )


async def answers_to(
    connection: "Connection[Any]", vault: Vault, finding: PoolKey
) -> list[tuple[datetime, str, str]]:
    """What the hospital answered to a finding, oldest first: when, way, reason."""
    rows = await store.answers_to(connection, finding.pool, finding.number)
    return [(when, way, vault.open(reason)) for when, way, reason in rows]


class _Content(msgspec.Struct):
    """What of a finding is sealed."""

    person: str
    visit: str
    text: str
    evidence: tuple[Evidence, ...]


def _row(
    vault: Vault, audited: PoolKey, institution: str, one: StoredFinding, expires_on: date
) -> tuple[Any, ...]:
    content = _Content(one.person, one.visit, one.finding.text, one.finding.evidence)
    sealed = vault.seal(msgspec.json.encode(content).decode())
    return store.finding_row(
        one.key.pool,
        one.key.number,
        audited.number,
        institution,
        one.finding,
        sealed,
        expires_on,
    )


def _stored(vault: Vault, audited: PoolKey, row: "Record") -> StoredFinding:
    content = msgspec.json.decode(vault.open(row["content"]), type=_Content)
    finding = Finding(
        rule=Rule(row["rule"]),
        certainty=Certainty(row["certainty"]),
        stage=Stage(row["stage"]),
        action=Action(row["action"]),
        text=content.text,
        evidence=content.evidence,
        version=row["rules_version"],
    )
    key = PoolKey(audited.pool, row["id"])
    return StoredFinding(key, content.person, content.visit, finding)
