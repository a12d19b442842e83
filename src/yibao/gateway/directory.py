"""Code tables (字典表查询, 1901)."""

from typing import Any

from yibao.gateway.context import Call
from yibao.gateway.dispatch import transaction
from yibao.gateway.rendering import Node, shaped
from yibao.gateway.writing import flag
from yibao.kernel.areas import Division
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries import service as dictionaries

DIVISIONS = "admdvs"
"""The list of divisions comes from the directory, which has the whole of it."""
VALID = "1"


@transaction("1901")
async def list_codes(call: Call) -> Any:
    """The values of one code table; a table lists valid values only."""
    data = call.input["data"]
    name = data["type"]
    if name == DIVISIONS:
        pairs = _divisions(call, data.get("admdvs"))
    else:
        table = dictionaries.table(name)
        if table is None:
            raise Refused(
                RefusalCode.CODE_UNKNOWN, f"data.type（字典类型）{name} 不存在", "data.type"
            )
        pairs = [(entry.value, entry.label) for entry in table.values if not entry.is_pattern]
    if data["valiFlag"] != VALID:
        pairs = []
    parent = data.get("parentValue", "")
    return {
        "list": [
            _row(name, value, text, parent, place) for place, (value, text) in enumerate(pairs, 1)
        ]
    }


def _divisions(call: Call, below: str | None) -> list[tuple[str, str]]:
    directory = call.reference.directory
    if below is None:
        return sorted(directory.divisions.items())
    return [
        (code, directory.division_name(code) or "")
        for code in directory.divisions_below(Division(below))
    ]


def _row(name: str, value: str, text: str, parent: str, place: int) -> Node:
    values = {
        "type": name,
        "label": text,
        "value": value,
        "parentValue": parent,
        "parent_value": parent,
        "sort": place,
        "valiFlag": flag(value=True),
        "vali_flag": flag(value=True),
        "version": 1,
    }
    return shaped("1901", "list", values)
