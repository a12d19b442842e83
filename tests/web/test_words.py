"""The console's two languages."""

import re
import tomllib
from importlib.resources import files

import pytest

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
