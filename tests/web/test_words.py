"""The console's two languages."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import yibao.gateway
from yibao.web.words import Words, language_of


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "wanted"),
    [
        ("en", "zh", "zh", "en"),
        (None, "en", "zh", "en"),
        (None, None, "en-US,en;q=0.9", "en"),
        (None, None, "fr,zh-CN;q=0.8,en;q=0.5", "zh"),
        (None, None, "en;q=nonsense", "zh"),
        ("xx", "<b>", "", "zh"),
    ],
)
def test_the_language_is_the_one_wanted(
    asked: str | None, remembered: str | None, accepted: str, wanted: str
) -> None:
    assert language_of(asked, remembered, accepted) == wanted


def test_every_word_of_the_templates_is_there_in_both_languages() -> None:
    folder = files("yibao.web") / "templates"
    used = {
        key
        for template in folder.iterdir()
        for key in re.findall(r"""\bt\(["']([a-z_.]+)["'][,)]""", template.read_text("utf-8"))
    }
    assert len(used) > 50
    for language in ("zh", "en"):
        for key in used:
            assert Words(language)(key, count=1, number=1)


def test_no_word_is_without_its_other_language() -> None:
    catalogue = tomllib.loads((files("yibao.web") / "words.toml").read_text("utf-8"))
    for part, words in catalogue.items():
        for name, both in words.items():
            assert len(both) == 2, (part, name)
            assert all(both), (part, name)


NOTES = Path(yibao.gateway.__file__).parent
"""Where signatures are noted upon."""


def test_every_note_on_a_signature_has_chinese_words() -> None:
    for name in ("authentication", "envelope_signature", "outer_message", "signature_guesses"):
        source = (NOTES / f"{name}.py").read_text("utf-8")
        for noted in _noted(ast.parse(source)):
            assert Words("zh").note(noted) != noted, f"{name}: {noted}"
            assert Words("en").note(noted) == noted


def _noted(tree: ast.AST) -> Iterator[str]:
    """Sentences of a module that are neither Chinese nor a docstring, holes filled."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    holes = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in holes for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "7" for p in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if (
            id(node) not in inside
            and id(node) not in docstrings
            and text.isascii()
            and sum(map(str.isalpha, text.split())) > 2
        ):
            yield text
