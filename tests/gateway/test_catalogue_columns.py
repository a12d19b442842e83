"""The page about catalogue files is the one that the columns make."""

from pathlib import Path

from yibao.gateway.catalogue_columns import documentation

PAGE = Path(__file__).parents[2] / "docs" / "interface" / "catalogue-files.md"


def test_the_page_is_what_the_columns_make() -> None:
    again = "python -m yibao.gateway.catalogue_columns > docs/interface/catalogue-files.md"
    assert PAGE.read_text(encoding="utf-8") == documentation(), f"run: {again}"
