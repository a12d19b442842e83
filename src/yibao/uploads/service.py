"""The door of the room: what institutions hand in and read again."""

from collections.abc import Mapping, Sequence

from yibao.kernel.refusals import Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.service import ReferenceCache
from yibao.uploads.documents import service as documents
from yibao.uploads.documents.model import KeepDocument
from yibao.uploads.self_paid import service as self_paid
from yibao.uploads.self_paid.model import KeepSelfPaid
from yibao.uploads.settlement_lists import service as settlement_lists
from yibao.uploads.settlement_lists.model import ChangeListStates, UploadList

__all__ = [
    "document",
    "documents_of_own_visit",
    "documents_of_visit",
    "handlers",
    "lists_of_institution",
    "recall_list",
    "self_paid_visit",
    "settlement_list",
]


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        return [await _outcome(unit, references, vault, command) for command in commands]

    return dict.fromkeys((KeepDocument, KeepSelfPaid, UploadList, ChangeListStates), handle)


async def _outcome(
    unit: Unit, references: ReferenceCache, vault: Vault, command: Command
) -> Outcome:
    request = command.request
    try:
        if isinstance(request, KeepDocument):
            kept = await documents.keep(unit, vault, request)
            return Done(None, {"document": kept.key.text()})
        if isinstance(request, UploadList):
            reference = await references.current(unit.connection)
            facts = await settlement_lists.upload(unit, vault, reference, request)
            known = {"settlement": facts.settlement.text(), "version": facts.version}
            return Done(facts, known)
        if isinstance(request, KeepSelfPaid):
            await self_paid.keep(unit, vault, request)
        else:
            await settlement_lists.change_states(unit, request)
    except Refused as refused:
        return refused.refusal
    return Done(None, {})


# ------------------------------------------------------------------------------------------- reads

document = documents.document
documents_of_visit = documents.documents_of_visit
documents_of_own_visit = documents.documents_of_own_visit
self_paid_visit = self_paid.standing
settlement_list = settlement_lists.settlement_list
lists_of_institution = settlement_lists.lists_of_institution
recall_list = settlement_lists.recall
