"""Filings and special identities of a file."""

from datetime import date

from tests.loading.builders import POOL, SOURCE, Bureau, cells_of
from tests.settlement.builders import TERTIARY

DAY = date(2026, 5, 1)


def row(key: str, **cells: str) -> dict[str, str]:
    """A row of the first person since 2026."""
    common = {"source": SOURCE, "source_key": key, "pool": POOL, "person": "P1"}
    return common | {"from": "2026-01-01"} | cells


async def test_everything_that_can_be_filed_is_on_file(bureau: Bureau) -> None:
    await bureau.registered(1)
    rows = [
        row("1", what="disease", code="M03900", name="高血压"),
        row("2", what="choice", institution=TERTIARY, business="03"),
        row("3", what="long_term", place="430100"),
    ]
    await bureau.load("filings", rows)
    assert bureau.told == []
    found = await bureau.insured(1)
    assert [disease.code for disease in found.diseases_on(DAY)] == ["M03900"]
    assert [chosen.institution for chosen in found.designated_on(DAY)] == [TERTIARY]
    assert found.filing_on("430102", DAY) == "long_term"
    assert found.filing_on("110101", DAY) == "none"
    assert (await bureau.load("filings", rows)).counts.unchanged == 3


async def test_what_a_filing_needs_is_named(bureau: Bureau) -> None:
    await bureau.registered(1)
    rows = [
        row("1", what="disease", name="高血压"),
        row("2", what="choice", institution="H99999999999", business="03"),
        row("3", what="holiday"),
    ]
    await bureau.load("filings", rows)
    assert cells_of(bureau.told) == [(2, "code"), (4, "what"), (3, "institution")] or cells_of(
        bureau.told
    ) == [(2, "code"), (3, "institution"), (4, "what")]


async def test_a_special_identity_changes_by_date(bureau: Bureau) -> None:
    await bureau.registered(1)
    await bureau.load("identities", [row("1", kind="2303")])
    assert (await bureau.insured(1)).identities_on(DAY) == ("2303",)
    report = await bureau.load("identities", [row("1", kind="2303", until="2026-03-31")])
    assert report.counts.changed == 1
    assert (await bureau.insured(1)).identities_on(DAY) == ()
    assert (await bureau.insured(1)).identities_on(date(2026, 3, 31)) == ("2303",)
