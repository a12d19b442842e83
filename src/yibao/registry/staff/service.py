"""What a bureau does with practitioners: enter them, let them go, show them.

Writing services run inside the caller's transaction and take its instant as ``now`` (aware UTC).
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.registry.rules import overwrite, starting
from yibao.registry.staff import store
from yibao.registry.staff.model import Practitioner, PractitionerKind
from yibao.registry.store import lock_records

if TYPE_CHECKING:
    from asyncpg import Connection


async def engage(
    connection: "Connection[Any]",
    vault: Vault,
    institution: str,
    people: Sequence[Practitioner],
    *,
    now: datetime,
) -> int:
    """Say what holds of practitioners (登记医执人员) from their period's start on.

    Answers how many rows were recorded; the same once more records none. Refused when there is no
    such institution.
    """
    if not await store.is_institution(connection, institution):
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN, f"定点医药机构 {institution} 不存在", "institution"
        )
    await lock_records(connection, [institution])
    rows: dict[str, list[tuple[int, Practitioner]]] = {}
    for row in await store.practitioners(connection, vault, institution):
        rows.setdefault(row[1].code, []).append(row)
    ended: list[int] = []
    added: dict[str, list[Practitioner]] = {}
    for person in people:
        current = rows.get(person.code, [])
        if person.code in added:
            raise Refused(RefusalCode.RECORD_EXISTS, f"执业人员代码 {person.code} 重复", "code")
        if any(row == person for _, row in current):
            continue
        gone, left = overwrite(current, starting(person.period.start), None)
        ended += gone
        added[person.code] = [*left, person]
    new = [row for those in added.values() for row in those]
    await store.supersede(connection, institution, ended, now)
    await store.record(connection, vault, institution, new, now)
    return len(new)


async def release(
    connection: "Connection[Any]",
    vault: Vault,
    institution: str,
    code: str,
    start: date,
    *,
    now: datetime,
) -> None:
    """From ``start`` on a practitioner is not at the institution any more (离职)."""
    await lock_records(connection, [institution])
    current = await store.practitioners(connection, vault, institution)
    ended, left = overwrite([row for row in current if row[1].code == code], starting(start), None)
    if not ended:
        raise Refused(RefusalCode.RECORD_UNKNOWN, f"本机构没有执业人员 {code}", "code")
    await store.supersede(connection, institution, ended, now)
    await store.record(connection, vault, institution, left, now)


async def practitioners_of(
    connection: "Connection[Any]",
    vault: Vault,
    institution: str,
    kind: PractitionerKind | None = None,
) -> list[Practitioner]:
    """An institution's practitioners with all periods known now, by code and time."""
    return [row for _, row in await store.practitioners(connection, vault, institution, kind)]
