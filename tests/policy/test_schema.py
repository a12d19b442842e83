"""The schema for editors says what the reader asks for, and keeps no law out."""

import copy
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.policy.builders import toml_text
from yibao.policy.document import document_tree
from yibao.policy.load import parsed
from yibao.policy.parameters import LawError
from yibao.policy.reading import read_law
from yibao.policy.schema import law_schema, schema_text

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "law" / "law.schema.json"
WHOLE = Path(__file__).with_name("whole_language.toml")
LAWS = [WHOLE, *sorted((ROOT / "src/yibao/policy/data").glob("*/*.toml"))]
SCHEMA = law_schema()

WRITE = "from yibao.policy.schema import schema_text; print(schema_text(), end='')"


def document(path: Path) -> dict[str, Any]:
    """The document of a law file."""
    return dict(parsed(path.name, path.read_text(encoding="utf-8")))


def faults(schema: Mapping[str, Any], value: Any, where: str = "") -> list[str]:
    """Where a value breaks a schema, as far as our schema uses the vocabulary."""
    if "$ref" in schema:
        return faults(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value, where)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            fits = sum(not faults(option, value, where) for option in schema[keyword])
            return [] if fits and (keyword == "anyOf" or fits == 1) else [f"{where}: {value!r}"]
    if "const" in schema:
        return [] if value == schema["const"] else [where]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{where}: {value!r}"]
    return FAULTS_BY_TYPE[schema["type"]](schema, value, where)


def object_faults(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: no table"]
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{where}.{key}: missing" for key in schema.get("required", ()) if key not in value]
    for key, child in value.items():
        inner = properties.get(key, rest)
        if inner is False:
            found.append(f"{where}.{key}: unknown")
        elif inner is not True:
            found += faults(inner, child, f"{where}.{key}")
    return found


def array_faults(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or len(value) < schema.get("minItems", 0):
        return [f"{where}: no list"]
    return [fault for item in value for fault in faults(schema["items"], item, where)]


def string_faults(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    text = value.isoformat() if isinstance(value, date) else value
    fits = isinstance(text, str) and re.search(schema.get("pattern", ""), text)
    return [] if fits else [f"{where}: {value!r}"]


def number_faults(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    kinds = int if schema["type"] == "integer" else (int, Decimal)
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    fits = fits and schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return [] if fits else [f"{where}: {value!r}"]


def boolean_faults(_schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    return [] if isinstance(value, bool) else [f"{where}: {value!r}"]


FAULTS_BY_TYPE = {
    "object": object_faults,
    "array": array_faults,
    "string": string_faults,
    "number": number_faults,
    "integer": number_faults,
    "boolean": boolean_faults,
}


@pytest.mark.parametrize("path", LAWS, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_law_at_hand_is_one_by_the_schema(path: Path) -> None:
    assert faults(SCHEMA, document(path)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('scope = "chain"', 'scope = "chains"'),
        ("amount = 100000", 'amount = "much"'),
        ("growth_at_most = 0.2", "growth_at_most = 1.2"),
        ("[stays]", "[stay]"),
        ("away.points", "away.point"),
        ('title = "试验统筹区职工基本医疗保险"', ""),
        ("spread = true", 'spread = "yes"'),
    ],
)
def test_what_is_misspelt_is_none_by_the_schema(old: str, new: str) -> None:
    text = WHOLE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    assert faults(SCHEMA, parsed("law", text.replace(old, new))) != []


def closed_tables(
    schema: Mapping[str, Any], value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], set[str]]]:
    """Every table of a document whose keys the schema knows, with these keys."""
    if "$ref" in schema:
        yield from closed_tables(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value, path)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if not faults(option, value):
            yield from closed_tables(option, value, path)
    if schema.get("type") == "array" and isinstance(value, list) and not faults(schema, value):
        for i, item in enumerate(value):
            yield from closed_tables(schema["items"], item, (*path, i))
    if schema.get("type") == "object" and isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        if rest is False:
            yield path, set(properties)
        for key, child in value.items():
            yield from closed_tables(properties.get(key, rest or {}), child, (*path, key))


TABLES = list(closed_tables(SCHEMA, document(WHOLE)))


def closed_schemas(schema: Any) -> Iterator[frozenset[str]]:
    """The keys of every table that the schema knows."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield frozenset(schema["properties"])
        for child in schema.values():
            yield from closed_schemas(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from closed_schemas(child)


def test_the_whole_language_has_every_table_of_the_schema() -> None:
    assert {frozenset(known) for _, known in TABLES} == set(closed_schemas(SCHEMA))


@pytest.mark.parametrize(
    ("path", "known"),
    [table for table in TABLES if table[0][:1] != ("sources",)],
    ids=[".".join(map(str, path)) for path, _ in TABLES if path[:1] != ("sources",)],
)
def test_the_reader_knows_the_keys_that_the_schema_knows(
    path: tuple[str | int, ...], known: set[str]
) -> None:
    content = copy.deepcopy(document(WHOLE))
    table: Any = content
    for key in path:
        table = table[key]
    table["zzz"] = "nobody asks for this"
    with pytest.raises(LawError, match="zzz") as raised:
        read_law(document_tree("law.toml", content))
    listed = raised.value.reason.partition("known: ")[2]
    assert set(listed.split(", ")) - {"sources"} == known - {"sources"}


def test_the_kept_schema_is_the_one_of_the_code() -> None:
    kept = KEPT.read_text(encoding="utf-8")
    assert kept == schema_text(), f"write it anew: python -c {WRITE!r} > {KEPT.name}"


def test_a_law_written_by_the_builders_is_one_by_the_schema() -> None:
    text = toml_text(document(WHOLE))
    assert faults(SCHEMA, parsed("law", text)) == []
