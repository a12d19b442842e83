"""Makes ``transactions.json`` from the interface description in YAML.

    python -m yibao.gateway.tables.convert TRANSACTIONS.yaml

A tool of the repository, run by hand when the description changes; PyYAML is a development
dependency and nothing imports this module at run time.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).with_name("transactions.json")
EXTENSIONS = frozenset({"expContent", "exp_content"})
LENGTHS = {"oinfno": "6"}
"""Where a table's length is too short for what is sent: 2601 may name a suffixed number (2207A)."""
TOO_SHORT = {("fixmedins_code", "3"): "12", ("hilist_code", "20"): "50"}
"""One table (4401) gives the institution's number the length of a flag, one (3101) the catalogue
codes fewer places than a western drug's 23."""
COLLECTIONS = frozenset(
    {"rule_ids", "medtype_list", "pay_loc_list", "clr_way_list", "fsi_his_data_dto"}
)
"""Fields of no stated type that hold a list, by their labels (集合)."""
INSTRUCTION = "就诊凭证类型为"
"""How to fill a field in is no part of its label."""
NESTED = {
    "…fsi_encounter_dtos": "data.patient_dtos.fsi_encounter_dtos",
    "…fsi_diagnose_dtos": "data.patient_dtos.fsi_encounter_dtos.fsi_diagnose_dtos",
    "…fsi_order_dtos": "data.patient_dtos.fsi_encounter_dtos.fsi_order_dtos",
    "…fsi_operation_dtos": "data.patient_dtos.fsi_encounter_dtos.fsi_operation_dtos",
}
"""Nodes that the description abbreviates, by their whole path."""
INFERRED = Path(__file__).with_name("inferred")
"""Tables of transactions that the description knows by number alone, one file a family: ours, in
the description's form, every field of confidence ``i`` (inferred), so that none is enforced."""


def convert(transactions: dict[str, Any]) -> dict[str, Any]:
    """The compact form: a field is a row; extension fields, which nobody reads, are left out."""
    converted: dict[str, Any] = {}
    for number, source in transactions.items():
        tables = transactions.get(str(source.get("same_tables_as", ""))[:4], source)
        converted[number] = {
            "title": source["cn"],
            "category": source["category"],
            "kind": source["kind"],
            "path": source.get("fsi_path", "").split(" ")[0],
            "input": _nodes(tables.get("input")),
            "output": _nodes(tables.get("output")),
        }
    return {"transactions": converted}


def _nodes(nodes: Any) -> list[dict[str, Any]]:
    if not isinstance(nodes, list):  # "none" and "unknown"
        return []
    converted = [
        {
            "name": NESTED.get(node["node"], node["node"]),
            "many": str(node["occurs"]) == "n",
            "fields": [_field(row) for row in node["fields"] if row[0] not in EXTENSIONS],
        }
        for node in nodes
    ]
    return _only_hold_others(converted) + converted


def _only_hold_others(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes that the description names in a path alone, for they have no fields of their own."""
    listed = {node["name"] for node in nodes}
    holding = {node["name"].rpartition(".")[0] for node in nodes} - {""} - listed
    return [{"name": name, "many": False, "fields": []} for name in sorted(holding)]


def spell_out(table: dict[str, Any], number: str, described: dict[str, Any]) -> dict[str, Any]:
    """An inferred table whose nodes may say ``like: "3505.selinfo"`` instead of listing fields.

    Such a node takes the fields that the description gives that node; taken from another
    transaction they are inferred, and ``case: camel`` spells their names as the centres do.
    """
    nodes = [
        {**node, "fields": _fields_like(node, number, described)} if "like" in node else node
        for node in table.get("input") or []
    ]
    return table | ({"input": nodes} if nodes else {})


def _fields_like(node: dict[str, Any], number: str, described: dict[str, Any]) -> list[Any]:
    other, _, name = node["like"].partition(".")
    (rows,) = (found["fields"] for found in described[other]["input"] if found["node"] == name)
    if node.get("case") == "camel":
        rows = [[_camel(row[0]), *row[1:]] for row in rows]
    taken = rows if other == number else [[*row[:7], "i"] for row in rows]
    return [*taken, *node.get("fields", [])]


def _camel(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda letter: letter[1].upper(), name)


def _field(row: list[Any]) -> list[str]:
    name, label, _, kind, length, required, codes, confidence = (str(column) for column in row)
    label = label.rsplit("//", 1)[-1]  # one source left a piece of C# before the label
    label = label.split(INSTRUCTION, 1)[0] or label
    length = TOO_SHORT.get((name, length), LENGTHS.get(name, length))
    kind = "O" if name in COLLECTIONS else kind
    return [name, label, kind, length, required, codes, confidence[:1]]


def main(source: Path) -> None:
    """Write the package data from the YAML file named on the command line."""
    described = yaml.safe_load(source.read_text(encoding="utf-8"))["transactions"]
    completed = dict(described)
    for file in sorted(INFERRED.glob("*.yaml")):
        for number, table in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            completed[number] = described.get(number, {}) | spell_out(table, number, described)
    made = convert(completed)
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # One transaction a line keeps the file reviewable.
    TARGET.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
