"""Keep the pieces of self-paying patients' visits, and put them together again."""

from typing import TYPE_CHECKING, Any

import msgspec

from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.uploads.documents import service as documents
from yibao.uploads.documents.model import Document, KeepDocument
from yibao.uploads.self_paid.model import KeepSelfPaid, Piece, SelfPaidVisit
from yibao.uploads.self_paid.rules import check, stand

if TYPE_CHECKING:
    from asyncpg import Connection

NODE = "self_paid"
"""Name of a piece inside its document."""


async def keep(unit: Unit, vault: Vault, request: KeepSelfPaid) -> None:
    """Keep what a message says of one or several visits; refused as a whole."""
    pieces = sorted(request.pieces, key=lambda piece: piece.own_visit)  # one order of locks
    for piece in pieces:
        await documents.lock_own_visit(unit, vault, request.institution, piece.own_visit)
        check(await standing(unit.connection, vault, request.institution, piece.own_visit), piece)
    for piece in pieces:
        await documents.write(
            unit,
            vault,
            KeepDocument(
                institution=request.institution,
                transaction=request.transaction,
                record=(piece.own_visit, str(unit.numbers.next(unit.now))),
                content={NODE: msgspec.to_builtins(piece)},
                own_visit=piece.own_visit,
            ),
        )


async def standing(
    connection: "Connection[Any]", vault: Vault, institution: str, own_visit: str
) -> SelfPaidVisit:
    """The visit as it stands; an empty one when nothing of it was uploaded."""
    kept = await documents.history_of_own_visit(connection, vault, institution, own_visit)
    return stand(_piece(one) for one in kept if NODE in one.content)


def _piece(document: Document) -> Piece:
    return msgspec.convert(document.content[NODE], type=Piece)
