"""The console's words in Chinese and English, and which of both a reader wants."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("zh", "en")
COOKIE = "yibao_language"


@cache
def _catalogue() -> Mapping[str, tuple[str, str]]:
    text = (files("yibao.web") / "words.toml").read_text("utf-8")
    found: dict[str, tuple[str, str]] = {}
    for part, words in tomllib.loads(text).items():
        for name, (chinese, english) in words.items():
            found[f"{part}.{name}"] = (chinese, english)
    return found


@cache
def _notes() -> tuple[tuple[re.Pattern[str], str], ...]:
    text = (files("yibao.web") / "signature_notes.toml").read_text("utf-8")
    return tuple(
        (re.compile(re.escape(english).replace(r"\*", "(.+)")), chinese)
        for english, chinese in tomllib.loads(text).items()
    )


class Words:
    """The words of one language; called with a key of ``words.toml``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The words for a key, ``values`` filled in; KeyError when there are none."""
        return _catalogue()[key][self._place].format(**values)

    def note(self, english: str) -> str:
        """What the server noted of a signature; as it is where we have no words for it."""
        if self.language == "zh":
            for pattern, chinese in _notes():
                if match := pattern.fullmatch(english):
                    return chinese.format(*match.groups())
        return english

    def either(self, chinese: str, english: str) -> str:
        """One of two texts that are not in the catalogue."""
        return (chinese, english)[self._place] or chinese


def language_of(asked: str | None, remembered: str | None, accepted: str) -> str:
    """The language of a page: asked for now, chosen before, or what the browser prefers."""
    for wanted in (asked, remembered):
        if wanted in LANGUAGES:
            return str(wanted)
    ranked = sorted(_preferences(accepted), reverse=True)
    return ranked[0][2] if ranked else "zh"


def _preferences(accepted: str) -> list[tuple[float, int, str]]:
    """(quality, earlier is greater, language) of the languages that we speak."""
    found = []
    for place, part in enumerate(accepted.split(",")):
        name, _, quality = part.strip().partition(";q=")
        language = name.split("-")[0].lower()
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if language in LANGUAGES and weight > 0:
            found.append((weight, -place, language))
    return found
