"""Builds dictionaries.json from the YAML tables; run by hand, never by the product.

    python -m yibao.registry.dictionaries.data.build DICTIONARIES.yaml

A value's note begins with a confidence of its own where it differs from its table's.
"""

import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

OWN_CONFIDENCE = re.compile(r"([ABCD])\b[ ,:(]*")


def convert(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """One table in the form of ``CodeTable``."""
    values = []
    for value, entry in table["values"].items():
        note = entry.get("note", "")
        own = OWN_CONFIDENCE.match(note)
        values.append(
            {
                "value": str(value),
                "label": entry["cn"],
                "english": entry["en"],
                "confidence": own[1] if own else table["conf"],
                "note": note[own.end() :].rstrip(")") if own else note,
            }
        )
    return {
        "name": name,
        "label": table["cn"],
        "english": table.get("en", ""),
        "confidence": table["conf"],
        "open": table["open"],
        "sources": table["sources"],
        "note": table.get("note", ""),
        "values": values,
    }


def main(source: Path) -> None:
    """Write dictionaries.json."""
    tables = yaml.safe_load(source.read_text(encoding="utf-8"))["tables"]
    converted = [convert(name, table) for name, table in tables.items()]
    text = msgspec.json.format(msgspec.json.encode(converted), indent=1)
    (Path(__file__).parent / "dictionaries.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
