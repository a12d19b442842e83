"""Keep documents sealed, and find them again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import add_months
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.people.service import load_members
from yibao.settlement import service as settlements
from yibao.uploads.documents import store
from yibao.uploads.documents.model import Document, KeepDocument

if TYPE_CHECKING:
    from asyncpg import Connection, Record

KEPT_MONTHS = 60
"""The insurer needs a record as long as an infringement may be punished: five years. The hospital's
own duty to keep it (outpatients 15 years, inpatients 30) is not ours."""


async def keep(unit: Unit, vault: Vault, request: KeepDocument) -> Document:
    """Keep a document; refused when its visit or person is not what it says."""
    await _check_subject(unit, vault, request)
    return await write(unit, vault, request)


async def write(unit: Unit, vault: Vault, request: KeepDocument) -> Document:
    """Keep a document whose visit and person the caller has checked."""
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    expires_on = add_months(unit.day, KEPT_MONTHS)
    own_visit = request.own_visit
    await store.insert(
        unit.connection,
        (
            unit.pool,
            key.number,
            request.institution,
            request.transaction,
            vault.fingerprint(request.institution, request.transaction, *request.record),
            None if request.visit is None else request.visit.number,
            None if own_visit is None else _own(vault, request.institution, own_visit),
            vault.seal(msgspec.json.encode(request.content).decode()),
            unit.now,
            expires_on,
        ),
    )
    return Document(
        key,
        request.institution,
        request.transaction,
        request.visit,
        unit.now,
        expires_on,
        request.content,
    )


async def lock_own_visit(unit: Unit, vault: Vault, institution: str, own_visit: str) -> None:
    """Let one transaction at a time change what stands of an institution's own visit."""
    await store.lock_own_visit(unit.connection, _own(vault, institution, own_visit))


# -------------------------------------------------------------------------------------------- read


async def document(connection: "Connection[Any]", vault: Vault, key: PoolKey) -> Document | None:
    """One document as the reader may see it."""
    row = await store.load(connection, key.pool, key.number)
    return None if row is None else _document(vault, row)


async def documents_of_visit(
    connection: "Connection[Any]", vault: Vault, visit: PoolKey
) -> list[Document]:
    """What stands of a visit's documents, oldest first; replaced ones are left out."""
    rows = await store.of_visit(connection, visit.pool, visit.number)
    return [_document(vault, row) for row in rows]


async def documents_of_own_visit(
    connection: "Connection[Any]", vault: Vault, institution: str, own_visit: str
) -> list[Document]:
    """What stands of the documents of an institution's own visit, oldest first."""
    own = _own(vault, institution, own_visit)
    rows = await store.of_own_visit(connection, institution, own)
    return [_document(vault, row) for row in rows]


async def history_of_own_visit(
    connection: "Connection[Any]", vault: Vault, institution: str, own_visit: str
) -> list[Document]:
    """Every document of an institution's own visit, replaced or not, in the order they came."""
    own = _own(vault, institution, own_visit)
    rows = await store.history_of_own_visit(connection, institution, own)
    return [_document(vault, row) for row in rows]


# ----------------------------------------------------------------------------------------- private


async def _check_subject(unit: Unit, vault: Vault, request: KeepDocument) -> None:
    if request.visit is not None:
        visit = await settlements.visit(unit.connection, request.visit)
        if visit is None or visit.institution != request.institution:
            raise Refused(
                RefusalCode.VISIT_UNKNOWN,
                f"mdtrt_id（就诊ID）{request.visit.text()} 不存在或不属于本机构",
                "visit",
            )
        if request.member not in (None, visit.member):
            raise Refused(
                RefusalCode.PERSON_DIFFERS,
                f"psn_no（人员编号）{request.member} 不是该次就诊的人员",
                "member",
            )
    elif request.member is not None:
        known = await load_members(unit.connection, vault, unit.pool, [request.member])
        if request.member not in known:
            raise Refused(
                RefusalCode.PERSON_UNKNOWN, f"psn_no（人员编号）{request.member} 不存在", "member"
            )


def _own(vault: Vault, institution: str, own_visit: str) -> bytes:
    return vault.fingerprint("visit", institution, own_visit)


def _document(vault: Vault, row: "Record") -> Document:
    content: Mapping[str, Any] = msgspec.json.decode(vault.open(row["content"]))
    pool = Pool(row["pool"])
    return Document(
        PoolKey(pool, row["id"]),
        row["institution"],
        row["transaction"],
        None if row["visit"] is None else PoolKey(pool, row["visit"]),
        row["received_at"],
        row["expires_on"],
        content,
    )
