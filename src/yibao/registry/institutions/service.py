"""What a bureau does with institutions: found pools, designate, suspend, give keys; sign-in.

Writing services run inside the caller's transaction and take its instant as ``now`` (aware UTC);
each bumps the directory's version, so that every cache sees the change with its commit.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.kernel.frozen import Frozen, replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry import store as versions
from yibao.registry.institutions import store
from yibao.registry.institutions.model import (
    Directory,
    HeaderFamily,
    Institution,
    InstitutionTerm,
    KeyKind,
    PoolDivision,
    Sender,
    SenderKey,
    SessionFacts,
    SignIn,
    SignOut,
)
from yibao.registry.keys import store as key_store
from yibao.registry.keys.opening import new_id, opened_keys
from yibao.registry.rules import covers_once, overwrite, starting

if TYPE_CHECKING:
    from asyncpg import Connection

# -------------------------------------------------------------------------------------------- read


async def load_directory(connection: "Connection[Any]", vault: Vault) -> Directory:
    """The whole directory of one version."""

    async def read(version: int) -> Directory:
        rows, allowed = await store.senders(connection)
        keys = opened_keys(await key_store.current(connection), vault)
        senders = (
            _sender(
                HeaderFamily(family),
                identifier,
                dialect,
                tuple(keys.get((family, identifier), ())),
                tuple(allowed.get((family, identifier), ())),
            )
            for family, identifier, dialect in rows
        )
        return Directory(
            version=version,
            institutions=await store.institutions(connection),
            senders={(sender.family, sender.id): sender for sender in senders},
            pools=await store.pools(connection),
            pool_divisions=await store.pool_divisions(connection),
            divisions=await store.divisions(connection),
        )

    return await versions.read_whole(connection, versions.INSTITUTIONS, read)


async def pools(connection: "Connection[Any]") -> dict[Pool, str]:
    """Names of the pools."""
    return await store.pools(connection)


async def codes(connection: "Connection[Any]") -> list[str]:
    """Codes of all institutions there ever were."""
    return sorted(await store.institutions(connection))


# ------------------------------------------------------------------------------------------ change


async def keep_divisions(
    connection: "Connection[Any]", divisions: Sequence[tuple[str, str]]
) -> None:
    """Take over the national list of divisions: (code, name)."""
    await versions.bump(connection, versions.INSTITUTIONS)
    await store.insert_divisions(connection, divisions)


async def found_pool(
    connection: "Connection[Any]",
    pool: Pool,
    name: str,
    divisions: Sequence[PoolDivision] = (),
    *,
    now: datetime,
) -> None:
    """Found a pool (设立统筹区) and say which divisions it insures; refused when it exists."""
    await versions.bump(connection, versions.INSTITUTIONS)
    if not await store.insert_pool(connection, pool, name):
        raise Refused(RefusalCode.FIELD_INVALID, f"统筹区编号 {pool} 已存在", "pool")
    await assign_divisions(connection, divisions, now=now)


async def assign_divisions(
    connection: "Connection[Any]", divisions: Sequence[PoolDivision], *, now: datetime
) -> None:
    """Say which pool insures a division's members in a period, whatever was said before."""
    await versions.bump(connection, versions.INSTITUTIONS)
    for row in divisions:
        current = await store.current_pool_divisions(connection, row.division, row.scheme)
        ended, added = overwrite(current, row.period, row)
        await store.supersede(connection, "pool_division", ended, now)
        await store.copy(
            connection, "pool_division", [store.pool_division_row(new, now) for new in added]
        )


async def designate(
    connection: "Connection[Any]", institutions: Sequence[Institution], *, now: datetime
) -> None:
    """Designate institutions (定点) with their dated terms; refused when a code is taken."""
    await versions.bump(connection, versions.INSTITUTIONS)
    for institution in institutions:
        if not covers_once([term.period for term in institution.terms]):
            raise Refused(
                RefusalCode.FIELD_INVALID, f"机构 {institution.code} 的协议期间重叠", "terms"
            )
        if not await store.insert_institution(connection, institution, now):
            raise Refused(RefusalCode.FIELD_INVALID, f"机构编号 {institution.code} 已存在", "code")
        rows = [store.term_row(institution.code, term, now) for term in institution.terms]
        await store.copy(connection, "institution_term", rows)


async def change_term(
    connection: "Connection[Any]", code: str, term: InstitutionTerm, *, now: datetime
) -> None:
    """Say what holds of an institution in a period (new contract, level or name)."""
    await versions.bump(connection, versions.INSTITUTIONS)
    current = await store.current_terms(connection, code)
    if not current:
        raise _unknown(code)
    await _record_terms(connection, code, *overwrite(current, term.period, term), now)


async def suspend(
    connection: "Connection[Any]", code: str, period: Period, *, now: datetime
) -> None:
    """Suspend an institution (中止医保协议) in a period."""
    await _set_suspended(connection, code, period, suspended=True, now=now)


async def lift_suspension(
    connection: "Connection[Any]", code: str, start: date, *, now: datetime
) -> None:
    """Let a suspended institution go on from ``start``."""
    await _set_suspended(connection, code, starting(start), suspended=False, now=now)


async def give_key(
    connection: "Connection[Any]", vault: Vault, sender: Sender, *, now: datetime
) -> None:
    """Give a sender its access key, or a new secret, and let it speak for its institutions.

    Its older secrets count no more; a change with an overlap is ``keys.service.rotate``.
    """
    await versions.bump(connection, versions.INSTITUTIONS)
    await keep_sender(connection, sender.family, sender.id, sender.dialect, now=now)
    await key_store.supersede_of(connection, sender.family, sender.id, KeyKind.SECRET, now)
    row = key_store.KeyRow(
        id=new_id(),
        family=sender.family.value,
        sender=sender.id,
        kind=KeyKind.SECRET.value,
        sealed=vault.seal(sender.secret),
        public_key=None,
        valid_from=now,
        valid_until=None,
    )
    await key_store.insert(connection, row, now)
    for institution, period in sender.institutions:
        await permit(connection, sender.family, sender.id, institution, period, now=now)


async def keep_sender(
    connection: "Connection[Any]",
    family: HeaderFamily,
    identifier: str,
    dialect: str | None = None,
    *,
    now: datetime,
) -> None:
    """Make a sender known, or say which dialect it speaks; None leaves that as it was."""
    await versions.bump(connection, versions.INSTITUTIONS)
    current = await store.current_sender(connection, family, identifier)
    if current is None:
        await store.copy(connection, "sender", [(family.value, identifier, dialect, now)])
    elif dialect is not None and dialect != current[1]:
        await store.supersede(connection, "sender", [current[0]], now)
        await store.copy(connection, "sender", [(family.value, identifier, dialect, now)])


async def permit(
    connection: "Connection[Any]",
    family: HeaderFamily,
    identifier: str,
    institution: str,
    period: Period,
    *,
    now: datetime,
) -> None:
    """Let a sender speak for an institution in a period."""
    await versions.bump(connection, versions.INSTITUTIONS)
    await _permit(connection, family, identifier, institution, period, now, allowed=True)


async def withdraw_key(
    connection: "Connection[Any]",
    family: HeaderFamily,
    identifier: str,
    institution: str,
    start: date,
    *,
    now: datetime,
) -> None:
    """From ``start`` on a sender may not speak for an institution any more."""
    await versions.bump(connection, versions.INSTITUTIONS)
    await _permit(connection, family, identifier, institution, starting(start), now, allowed=False)


# ---------------------------------------------------------------------------------------- sessions


async def sign_in(unit: Unit, request: SignIn) -> SessionFacts:
    """Sign an operator in (签到); the facts' key is the sign-in number."""
    key = PoolKey(NO_PERSON_POOL, unit.numbers.next(unit.now))
    await store.insert_sign_in(
        unit.connection,
        key,
        request.institution,
        request.operator,
        request.mac,
        request.ip,
        unit.now,
    )
    return SessionFacts(key, request.institution, request.operator, unit.now, None)


async def sign_out(unit: Unit, request: SignOut) -> SessionFacts:
    """Sign an operator out (签退); refused unless the number is an open one of the institution."""
    facts = await store.sign_in(unit.connection, request.number)
    if facts is None or facts.institution != request.institution:
        raise Refused(RefusalCode.FIELD_INVALID, "签到编号不存在或不属于本机构", "sign_in_number")
    if facts.signed_out_at is not None:
        raise Refused(RefusalCode.FIELD_INVALID, "该签到编号已签退", "sign_in_number")
    await store.close_sign_in(unit.connection, facts.key, unit.now)
    return replace(facts, signed_out_at=unit.now)


async def handle_sessions(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
    """The handler of ``SignIn`` and ``SignOut`` for the commands part."""
    outcomes: list[Outcome] = []
    for command in commands:
        try:
            if isinstance(command.request, SignIn):
                facts = await sign_in(unit, command.request)
            else:
                facts = await sign_out(unit, command.request)
        except Refused as refused:
            outcomes.append(refused.refusal)
        else:
            outcomes.append(Done(facts, {"sign_in": facts.key.number}))
    return outcomes


async def recall_session(
    connection: "Connection[Any]", reference: Mapping[str, Any]
) -> SessionFacts:
    """The facts that a replayed sign-in or sign-out answers with again."""
    facts = await store.sign_in(connection, PoolKey(NO_PERSON_POOL, reference["sign_in"]))
    assert facts is not None, "a remembered sign-in is never deleted"
    return facts


# ----------------------------------------------------------------------------------------- private


def _sender(
    family: HeaderFamily,
    identifier: str,
    dialect: str | None,
    keys: tuple[SenderKey, ...],
    spoken_for: tuple[tuple[str, Period], ...],
) -> Sender:
    secret = next((key.secret for key in keys if key.kind is KeyKind.SECRET), "")
    return Sender(identifier, family, secret, spoken_for, dialect, keys)


def _unknown(code: str) -> Refused:
    return Refused(RefusalCode.INSTITUTION_UNKNOWN, f"定点医药机构 {code} 不存在", "institution")


async def _set_suspended(
    connection: "Connection[Any]", code: str, period: Period, *, suspended: bool, now: datetime
) -> None:
    await versions.bump(connection, versions.INSTITUTIONS)
    touched = [
        (row_id, term)
        for row_id, term in await store.current_terms(connection, code)
        if term.period.meets(period)
    ]
    if not touched:
        raise _unknown(code)
    for row_id, term in touched:
        ends = [end for end in (term.period.end, period.end) if end is not None]
        both = Period(max(term.period.start, period.start), min(ends) if ends else None)
        changed = replace(term, suspended=suspended)
        await _record_terms(connection, code, *overwrite([(row_id, term)], both, changed), now)


async def _record_terms(
    connection: "Connection[Any]",
    code: str,
    ended: Sequence[int],
    added: Sequence[InstitutionTerm],
    now: datetime,
) -> None:
    await store.supersede(connection, "institution_term", ended, now)
    rows = [store.term_row(code, term, now) for term in added]
    await store.copy(connection, "institution_term", rows)


class _Permission(Frozen):
    period: Period


async def _permit(
    connection: "Connection[Any]",
    family: HeaderFamily,
    sender: str,
    institution: str,
    period: Period,
    now: datetime,
    *,
    allowed: bool,
) -> None:
    rows = await store.current_permissions(connection, family, sender, institution)
    current = [(row_id, _Permission(held)) for row_id, held in rows]
    ended, added = overwrite(current, period, _Permission(period) if allowed else None)
    await store.supersede(connection, "sender_institution", ended, now)
    await store.copy(
        connection,
        "sender_institution",
        [
            (family.value, sender, institution, row.period.start, row.period.end, now)
            for row in added
        ],
    )
