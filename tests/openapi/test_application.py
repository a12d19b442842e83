"""The description of the interface, and the page that tells of it."""

import re
from pathlib import Path
from typing import Any, cast

from yibao.openapi.application import HANDLERS, PATH, rest
from yibao.openapi.model import House

PAGE = Path(__file__).parents[2] / "docs" / "rest.md"


def offered() -> set[str]:
    """Every call as ``METHOD /path/{name}``, by the description made from the code."""
    described: Any = rest(cast("House", None)).openapi_schema.to_schema()
    return {
        f"{method.upper()} {path.removeprefix(PATH)}"
        for path, methods in described["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    }


def test_every_call_is_described_and_on_the_page() -> None:
    told = set(re.findall(r"^\| `((?:GET|POST) /[^`]*)`", PAGE.read_text(), re.MULTILINE))
    assert told == offered()
    assert len(offered()) == len(HANDLERS)


def test_every_call_says_what_it_is_for() -> None:
    described: Any = rest(cast("House", None)).openapi_schema.to_schema()
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            assert call["summary"], (path, method)
            assert call["tags"], (path, method)
            assert call["description"], (path, method)
