"""The dialects' page says what the code does."""

from pathlib import Path

from yibao.gateway.dialects.load import dialects
from yibao.registry.institutions.model import HeaderFamily, KeyKind

PAGE = Path(__file__).parents[3] / "docs/interface/dialects.md"


def test_every_dialect_and_every_key_of_its_file_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in dialects():
        assert f"`{name}`" in page
    for key in dialects()["general"].provenance:
        assert f"`{key}`" in page, key


def test_every_family_and_kind_of_key_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for one in (*HeaderFamily, *KeyKind):
        assert f"`{one.value}`" in page, one
