"""The reference of the interface, written from the code that answers it: ``docs/interface/``.

    python -m yibao.gateway.reference docs/interface

A page a family of transactions (what each does, its fields, an example), the code tables, and the
refusals with cause and cure. A test compares the kept pages with what the code says.
"""

import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import yibao.gateway.asgi  # noqa: F401 - offers all transactions
from yibao.gateway.cures import CURES
from yibao.gateway.dispatch import Transaction, find_transaction, offered
from yibao.gateway.examples import example
from yibao.gateway.tables import Field, Node, TransactionTable, tables
from yibao.kernel.refusals import RefusalCode
from yibao.registry.dictionaries import service as dictionaries
from yibao.registry.dictionaries.model import CodeTable

KINDS = {"C": "text", "N": "number", "D": "date", "DT": "time", "T": "long text", "B": "bytes"}
CERTAINTY = {"a": "sure", "b": "one source", "c": "name only", "i": "inferred"}
_FIELD_HEADING = (
    "| field | 名称 | type | required | codes | certainty |",
    "|---|---|---|---|---|---|",
)
NOTE = "<!-- Written from the code by `make reference`; do not edit. -->\n"

_ABOUT_FIELDS = """\
A field is required where it says so; lengths of text are in characters, `16,2` is 16 digits with
2 decimals. Certainty says how well sources agree on a field: only what is sure is ever required.
Codes link to [the code tables](../codes.md)."""
_ABOUT_CODES = """\
An open table is extended by provinces: an unknown value in it is accepted. In a closed one it is
refused. 1901 answers them over the interface."""
_ABOUT_REFUSALS = """\
`infcode` 0 is done, −1 an outcome that even the platform does not know (send the same `msgid`
again, or reverse it by 2601). Every other number is a refusal: nothing changed. `err_msg` names
field and rule."""
_ABOUT_OTHERS = """\
Every other number of the interface is answered with refusal 1004 and its Chinese title."""


def pages() -> Mapping[str, str]:
    """Every generated page by its file name."""
    families = _families()
    made = {
        f"transactions/{name}.md": _family_page(name, numbers) for name, numbers in families.items()
    }
    return {
        "transactions/README.md": _index(families),
        "codes.md": _codes_page(),
        "refusals.md": _refusals_page(),
        **made,
    }


def _families() -> dict[str, list[str]]:
    """The offered numbers by the module that answers them, in order."""
    families: dict[str, list[str]] = {}
    for number in offered():
        module = find_transaction(number).handle.__module__
        families.setdefault(module.rpartition(".")[2], []).append(number)
    return dict(sorted(families.items(), key=lambda family: family[1][0]))


# --------------------------------------------------------------------------------------- families


def _index(families: Mapping[str, list[str]]) -> str:
    lines = [
        NOTE,
        "# Transactions",
        "",
        f"{sum(map(len, families.values()))} transactions are offered.",
        _ABOUT_OTHERS,
        "",
    ]
    for name, numbers in families.items():
        lines += [f"## [{_subject(name)}]({name}.md)", ""]
        lines += ["| number | 交易 | kind |", "|---|---|---|"]
        lines += [
            f"| [{number}]({name}.md#{_anchor(number)}) | {_table(number).title} | "
            f"{_table(number).kind} |"
            for number in numbers
        ]
        lines.append("")
    lines += ["## Not offered", "", "| number | 交易 |", "|---|---|"]
    known = {number for numbers in families.values() for number in numbers}
    lines += [
        f"| {number} | {table.title} |"
        for number, table in sorted(tables().transactions.items())
        if number not in known
    ]
    return _joined(lines)


def _family_page(name: str, numbers: Iterable[str]) -> str:
    lines = [
        NOTE,
        f"# {_subject(name)}",
        "",
        _ABOUT_FIELDS,
        "",
    ]
    for number in numbers:
        lines += _transaction(find_transaction(number))
    return _joined(lines)


def _transaction(found: Transaction) -> list[str]:
    table = _table(found.number)
    lines = [f"## {found.number} {found.title}", "", _doing(found), ""]
    if table.path:
        lines += [f"One path per transaction: `/fsi/api/{table.path}`", ""]
    lines += _nodes("Input", table.input)
    lines += _nodes("Output", table.output)
    shown = json.dumps(example(found.number), ensure_ascii=False, indent=1)
    return [*lines, "An `input`:", "", "```json", shown, "```", ""]


def _nodes(title: str, nodes: Iterable[Node]) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        many = " (list)" if node.many else ""
        lines += [f"{title} `{node.name}`{many}", ""]
        lines += [
            "| field | 名称 | type | required | codes | certainty |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(field) for field in node.fields]
        lines.append("")
    return lines


def _row(field: Field) -> str:
    kind = KINDS.get(field.kind, field.kind or "–")
    length = f" {field.length}" if field.length else ""
    listed = f"[{field.codes}](../codes.md#{_anchor(field.codes)})"
    codes = listed if field.codes in dictionaries.tables() else field.codes
    required = "yes" if field.enforced else ""
    return (
        f"| `{field.name}` | {_cell(field.label)} | {kind}{length} | {required} | {codes} | "
        f"{CERTAINTY.get(field.confidence, '')} |"
    )


def _doing(found: Transaction) -> str:
    """What the function that answers says of itself."""
    return " ".join((found.handle.__doc__ or "").split())


def _subject(family: str) -> str:
    module = importlib.import_module(f"yibao.gateway.{family}")
    return " ".join((module.__doc__ or family).split("\n\n", 1)[0].split()).rstrip(".")


# ------------------------------------------------------------------------------ codes, refusals


def _codes_page() -> str:
    lines = [
        NOTE,
        "# Code tables",
        "",
        _ABOUT_CODES,
        "",
    ]
    for name, table in sorted(dictionaries.tables().items()):
        lines += _code_table(name, table)
    return _joined(lines)


def _code_table(name: str, table: CodeTable) -> list[str]:
    state = "open" if table.open else "closed"
    lines = [f"## {name}", "", f"{table.label}: {table.english} ({state})", ""]
    lines += ["| value | 名称 | meaning |", "|---|---|---|"]
    lines += [
        f"| {entry.value} | {_cell(entry.label)} | {_cell(entry.english)} |"
        for entry in table.values
    ]
    return [*lines, ""]


def _refusals_page() -> str:
    lines = [
        NOTE,
        "# Refusals",
        "",
        _ABOUT_REFUSALS,
        "",
        "| infcode | name | 原因 | 处理 | cause | cure |",
        "|---|---|---|---|---|---|",
    ]
    for code in sorted(RefusalCode):
        cure = CURES[code]
        cells = (cure.cause, cure.cure, cure.cause_english, cure.cure_english)
        lines.append(f"| {int(code)} | {code.name} | {' | '.join(map(_cell, cells))} |")
    return _joined([*lines, ""])


# ------------------------------------------------------------------------------------------ forms


def _table(number: str) -> TransactionTable:
    found = tables().find(number)
    assert found is not None, f"transaction {number} is offered without a table"
    return found


def _anchor(heading: str) -> str:
    """The anchor of a transaction's or code table's heading."""
    table = tables().transactions.get(heading)
    text = heading if table is None else f"{heading} {table.title}"
    kept = "".join(letter for letter in text.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def main(folder: Path) -> None:
    """Write the pages into a folder."""
    (folder / "transactions").mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m yibao.gateway.reference FOLDER")
    main(Path(sys.argv[1]))
