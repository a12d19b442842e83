"""The institution's items against the national catalogue (目录对照): 3301, 3302."""

from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.keeping import kept_fields
from yibao.gateway.reading import Row
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.mappings.model import OwnItem, OwnItemName, UploadMappings, WithdrawMappings

_OF_MAPPING = frozenset(
    {
        "fixmedins_hilist_id",
        "fixmedins_hilist_name",
        "list_type",
        "med_list_codg",
        "begndate",
        "enddate",
    }
)
"""Fields of a mapping that have a place of their own; all others are its details."""
_CODE = ("fixmedins_hilist_id", "定点医药机构目录编号")
_NEEDED = (
    _CODE,
    ("fixmedins_hilist_name", "定点医药机构目录名称"),
    ("list_type", "目录类别"),
    ("med_list_codg", "医疗目录编码"),
)


@transaction("3301")
async def upload_mappings(call: Call) -> None:
    """Map own items to national ones, all rows or none (目录对照上传)."""
    request = UploadMappings(call.institution.code, tuple(_own_item(row) for row in _rows(call)))
    await _perform(call, request)


@transaction("3302")
async def withdraw_mappings(call: Call) -> None:
    """Take mappings back, all rows or none (目录对照撤销)."""
    rows = _rows(call)
    for place, row in enumerate(rows, 1):
        if row.get("fixmedins_code", call.institution.code) != call.institution.code:
            raise Refused(
                RefusalCode.INSTITUTION_NOT_ALLOWED,
                f"data[{place}].fixmedins_code（定点医药机构编号）与报文不一致：只能撤销本机构的对照",
                f"data[{place}].fixmedins_code",
            )
    names = tuple(
        OwnItemName(row["fixmedins_hilist_id"], row.get("list_type"), row.get("med_list_codg"))
        for row in rows
    )
    await _perform(call, WithdrawMappings(call.institution.code, names))


def _rows(call: Call) -> list[Row]:
    """The rows sent; each has what its transaction cannot do without."""
    rows: list[Row] = call.input["data"]
    if not rows:
        raise Refused(RefusalCode.BATCH_EMPTY, "data（目录对照）至少一条", "data")
    needed = _NEEDED if call.base_number == "3301" else (_CODE,)
    for place, row in enumerate(rows, 1):
        for name, label in needed:
            if name not in row:
                raise missing(f"data[{place}].{name}", label)
    return rows


def _own_item(row: Row) -> OwnItem:
    return OwnItem(
        list_type=row["list_type"],
        code=row["fixmedins_hilist_id"],
        name=row["fixmedins_hilist_name"],
        item=row["med_list_codg"],
        begin=row.get("begndate"),
        end=row.get("enddate"),
        details=kept_fields(row, _OF_MAPPING),
    )


async def _perform(call: Call, request: UploadMappings | WithdrawMappings) -> None:
    async def recall(_: Any) -> None:
        return None

    await call.perform(NO_PERSON_POOL, call.institution.code, request, recall)
