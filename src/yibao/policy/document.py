"""Law documents as trees that know their file: sources resolved, provinces inherited, canonical.

A ``Node`` is one value of a TOML document together with the file that it was written in; a city's
law is the province's tree with the city's laid over it, parameter by parameter, so every value of
the effective law still names its own file. What a file's ``[defaults]`` say is kept beside the
values as ``defaults.<file>``: each value takes those of its own file, inherited or not.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from yibao.policy.parameters import LawError

_HEAD = ("law", "sources", "defaults", "classes", "counters", "benefits", "payers", "account")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. Tables hold nodes; lists and plain values are kept whole."""

    file: str
    path: str
    value: Any
    """``dict[str, Node]`` for a table, else the plain value as read."""

    @property
    def is_table(self) -> bool:
        """Whether the value is a table of nodes."""
        return isinstance(self.value, dict)


def document_tree(file: str, document: Mapping[str, Any]) -> Node:
    """The tree of one file, with source keys replaced by the sources. Raises LawError."""
    _check_head(file, document)
    body = {key: value for key, value in document.items() if key not in ("sources", "defaults")}
    sources = _sources(file, document.get("sources", {}))
    resolved = _resolve(file, "", body, sources)
    if "defaults" in document:
        resolved["defaults"] = {file: _resolve(file, "defaults", document["defaults"], sources)}
    return _node(file, "", resolved)


def _check_head(file: str, document: Mapping[str, Any]) -> None:
    """A bill is no law, and misspelt sources are told before each value that names them."""
    for key in ("law", "sources"):
        near = difflib.get_close_matches(key, [k for k in document if k not in _HEAD], 1)
        if key not in document and (near or key == "law"):
            hint = f" (did you mean it by {near[0]!r}?)" if near else ""
            raise LawError(file, key, f"missing{hint}")


def laid_over(below: Node, above: Node) -> Node:
    """``above`` over ``below``: tables merge key by key, a parameter is replaced whole."""
    if _is_whole(below) or _is_whole(above):
        return above
    merged = dict(below.value)
    for key, node in above.value.items():
        merged[key] = laid_over(merged[key], node) if key in merged else node
    return Node(above.file, above.path, merged)


def _is_whole(node: Node) -> bool:
    """Whether a node is replaced whole: values, a parameter's one entry, a dimension's classes."""
    return (
        not node.is_table
        or "value" in node.value
        or node.path.endswith(".reported_as")
        or re.fullmatch(r"classes\.[^.]+", node.path) is not None
    )


# --------------------------------------------------------------------------------- canonical text


def canonical_text(tree: Node) -> str:
    """The one JSON text of an effective law: sorted keys, decimals and dates as text."""
    files: dict[str, str] = {}
    law = _plain(tree, tree.file, files)
    return json.dumps(
        {"file": tree.file, "files": files, "law": law},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=_as_text,
    )


def tree_of_canonical(text: str) -> Node:
    """The tree behind a canonical text."""
    stored = json.loads(text)
    return _node(stored["file"], "", _with_classes(stored["law"]), stored["files"])


def fingerprint_of(canonical: str) -> str:
    """SHA-256 of a canonical text, hex."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def _with_classes(law: dict[str, Any]) -> dict[str, Any]:
    """Texts stored before dimensions were declared have ``persons``: the one dimension then."""
    if "persons" not in law:
        return law
    persons = law["persons"]
    person = {"fact": "person_type", "order": sorted(persons), **persons}
    rest = {key: value for key, value in law.items() if key != "persons"}
    return {**rest, "classes": {"person": person}}


def _node(file: str, path: str, value: Any, files: Mapping[str, str] | None = None) -> Node:
    own = (files or {}).get(path, file)
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return Node(
            own,
            path,
            {key: _node(own, f"{prefix}{key}", child, files) for key, child in value.items()},
        )
    return Node(own, path, value)


def _plain(node: Node, owner: str, files: dict[str, str]) -> Any:
    """The bare value; ``files`` gets every path whose file differs from that of its table."""
    if node.file != owner:
        files[node.path] = node.file
    if node.is_table:
        return {key: _plain(child, node.file, files) for key, child in node.value.items()}
    return node.value


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"not a law value: {value!r}")


# ---------------------------------------------------------------------------------------- sources


def _sources(file: str, table: Any) -> dict[str, dict[str, str]]:
    if not isinstance(table, dict):
        raise LawError(file, "sources", "must be a table of sources")
    for key, source in table.items():
        where = f"sources.{key}"
        if not isinstance(source, dict) or set(source) != {"title", "url"}:
            given = ", ".join(source) if isinstance(source, dict) else "no table"
            reason = f"must have exactly the keys title and url, not {given or 'none'}"
            raise LawError(file, where, reason)
        for part, text in source.items():
            if not isinstance(text, str) or not text.strip():
                raise LawError(file, f"{where}.{part}", "must be a text that is not empty")
    return table


def _resolve(file: str, path: str, value: Any, sources: Mapping[str, Any]) -> Any:
    """The value with every ``source = ["S1"]`` replaced by the sources themselves."""
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return {
            key: _looked_up(file, f"{prefix}{key}", child, sources)
            if key == "source"
            else _resolve(file, f"{prefix}{key}", child, sources)
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_resolve(file, f"{path}[{i}]", item, sources) for i, item in enumerate(value)]
    return value


def _looked_up(file: str, path: str, keys: Any, sources: Mapping[str, Any]) -> list[Any]:
    if not isinstance(keys, list) or not keys:
        raise LawError(file, path, 'must be a list of source keys, such as ["S1"]')
    for key in keys:
        if not isinstance(key, str) or key not in sources:
            known = ", ".join(sources) or "none"
            raise LawError(file, path, f"no source {key!r} in [sources]; known: {known}")
    return [sources[key] for key in keys]
