"""Dialect files are read strictly; what is packaged can be used."""

from pathlib import Path

import pytest

from yibao.gateway.dialects.choice import choose_dialect
from yibao.gateway.dialects.load import CONFIDENCES, DialectError, dialects, load_dialects
from yibao.gateway.dialects.model import Casing, CodeForm, Security
from yibao.settlement.model import Practice, UnknownItems

PACKAGED = Path(load_dialects.__code__.co_filename).parent


def folder(tmp_path: Path, **files: str) -> Path:
    """A folder with the packaged base and files of one's own."""
    base = (PACKAGED / "general.toml").read_text(encoding="utf-8")
    for name, text in {"general": base, **files}.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


HEAD = 'title = "测试省"\ndivisions = ["99"]\n'


def test_adding_a_province_is_a_file(tmp_path: Path) -> None:
    text = HEAD + (
        '[answers]\ncode = { value = "text", confidence = "B", source = "its own paper" }\n'
        '[practice]\nunknown_items = { value = "own_expense", confidence = "C", source = "x" }\n'
    )
    made = load_dialects(folder(tmp_path, test=text))["test"]
    assert made.answers.code is CodeForm.TEXT
    assert made.practice == Practice(unknown_items=UnknownItems.OWN_EXPENSE)
    assert made.answers.casing is Casing.TABLE, "the base's value"
    assert made.provenance["answers.code"].source == "its own paper"
    assert made.provenance["answers.casing"].confidence == "A", "the base's origin"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "x"\nnonsense = 1', "test.toml: nonsense"),
        (HEAD + "[answers]\ncolour = { value = 1, confidence = 'B', source = 'x' }", "colour"),
        (HEAD + "[answers]\ncode = 'text'", "answers.code: needs value"),
        (HEAD + "[answers]\ncode = { value = 'roman', confidence = 'B', source = 'x' }", "number"),
        (HEAD + "[answers]\ncode = { value = 'text', confidence = 'sure', source = 'x' }", "infer"),
        (HEAD + "[answers]\ncode = { value = 'text', confidence = 'B' }", "answers.code"),
        (
            HEAD + "[practice]\nline_tolerance = { value = 0.01, confidence = 'B', source = 'x' }",
            "fen",
        ),
        ("divisions = ['99']", "title"),
        ('title = "x"\ndivisions = ["9"]', "divisions"),
        ('title = "x"\ndivisions = ["44"]\n', "guangdong"),
        ("title = ", "not TOML"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    taken = (PACKAGED / "guangdong.toml").read_text(encoding="utf-8")
    with pytest.raises(DialectError, match=told) as fault:
        load_dialects(folder(tmp_path, guangdong=taken, test=text))
    assert "test.toml" in str(fault.value)


def test_the_base_says_every_value(tmp_path: Path) -> None:
    (tmp_path / "general.toml").write_text('title = "通用"', encoding="utf-8")
    with pytest.raises(DialectError, match="missing"):
        load_dialects(tmp_path)


def test_every_packaged_value_says_where_it_comes_from() -> None:
    for dialect in dialects().values():
        assert dialect.title
        for origin in dialect.provenance.values():
            assert origin.confidence in CONFIDENCES
            assert origin.source


def test_the_general_dialect_changes_nothing() -> None:
    general = dialects()["general"]
    assert general.answers.is_canonical
    assert general.practice == Practice()
    assert general.security == Security()


@pytest.mark.parametrize(
    ("named", "institution", "chosen"),
    [
        (None, "H44030100001", "guangdong"),
        (None, "P43010300002", "hunan"),
        (None, "H42010000001", "hubei"),
        (None, "H22010000001", "jilin"),
        (None, "H11010000001", "general"),
        (None, "", "general"),
        ("hubei", "H44030100001", "hubei"),
        ("of-another-release", "H44030100001", "guangdong"),
    ],
)
def test_the_senders_dialect_comes_before_its_provinces(
    named: str | None, institution: str, chosen: str
) -> None:
    assert choose_dialect(named, institution).name == chosen
