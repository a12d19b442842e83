"""Taking a whole load of files back."""

from collections.abc import Mapping
from typing import Any

from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.loading import service
from yibao.platform.commands.model import Unit


async def _undo(
    unit: Unit, office: Office, content: Mapping[str, Any], _proposal: Proposal
) -> Mapping[str, Any]:
    return await service.undo(unit, office.vault, office.references, content["run"])


def _nobody(_content: Mapping[str, Any]) -> Pool:
    """A file may hold people of several pools."""
    return NO_PERSON_POOL


KINDS: tuple[Kind, ...] = (
    Kind(
        "loading.undo",
        "撤销装载",
        (Field("run", "装载编号", fields.whole_number),),
        _undo,
        _nobody,
    ),
)
