"""Beside each expanding migration the code before it goes on: it finds all that it knew of."""

import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from yibao.platform.migrations import FOLDER
from yibao.platform.migrations.schema import describe_schema

FIRST_RELEASE = "0014"
SCRIPTS = sorted((FOLDER / "versions").glob("[0-9]*.sql"))
NOTES = (Path(__file__).parents[2] / "docs/operating/upgrades.md").read_text(encoding="utf-8")
KINDS = dict(re.findall(r"^\| (\d{4}) [^|]*\| (expanding|contracting) \|", NOTES, re.MULTILINE))
"""What the operator is told of each revision."""

LIVED_WITH = {
    ("0017", "settlement.settlement CONSTRAINT settlement_kind_check"): "allows one kind more",
    ("0017", "settlement.settlement CONSTRAINT settlement_supplement"): "binds the new kind alone",
}
"""What an expanding revision changed of a table there was, and why the old code lives with it."""


def facts(schema: str) -> set[str]:
    """What the schema holds, without remarks and without how views come to their columns."""
    told = (line.split(" -- ")[0] for line in schema.splitlines())
    return {line for line in told if " : VIEW " not in line and not line.startswith("CREATE INDEX")}


def hindrances(before: set[str], after: set[str]) -> Iterator[str]:
    """What code that knew the schema before may stumble over."""
    tables = {fact.split(" : ")[0] for fact in before if " : TABLE" in fact}
    for gone in before - after:
        relaxed = " . " in gone and gone.replace(" NOT NULL", "") in after
        if not relaxed:
            yield gone
    for new in after - before:
        unique = new.startswith("CREATE UNIQUE INDEX ")
        table = (new.split(" ON ")[1] if unique else new).split(" ")[0]
        demanded = " . " in new and " NOT NULL" in new and not re.search("DEFAULT|IDENTITY", new)
        if table in tables and (demanded or unique or " CONSTRAINT " in new):
            yield new


def lived_with(revision: str, fact: str) -> bool:
    return any(fact.startswith(start) for known, start in LIVED_WITH if known == revision)


async def test_an_expanding_revision_takes_nothing_away_and_demands_nothing(
    empty_dsn: str,
) -> None:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("CREATE SCHEMA platform")
    before: set[str] = set()
    for script in SCRIPTS:
        revision = script.stem[:4]
        await connection.execute(script.read_text(encoding="utf-8"))
        after = facts(await describe_schema(connection))
        if KINDS.get(revision) == "expanding":
            found = [f for f in hindrances(before, after) if not lived_with(revision, f)]
            assert found == [], f"{script.stem} is contracting: say so in upgrades.md, or mend it"
        before = after
    await connection.close()


def test_the_operator_is_told_the_kind_of_every_revision_since_the_first_release() -> None:
    revisions = [script.stem[:4] for script in SCRIPTS]
    assert sorted(KINDS) == [number for number in revisions if number > FIRST_RELEASE]
    (whole,) = re.findall(r"So the step from 0014 to (\d{4}) needs a stop", NOTES)
    assert whole == revisions[-1]


def test_what_hinders_is_found() -> None:
    before = {"a.t : TABLE", "a.t . n integer NOT NULL", "a.t GRANT SELECT TO yibao_reader"}
    for change, told in (
        (before - {"a.t GRANT SELECT TO yibao_reader"}, "a.t GRANT SELECT TO yibao_reader"),
        (before | {"a.t . m text NOT NULL"}, "a.t . m text NOT NULL"),
        (before | {"a.t CONSTRAINT c CHECK (n > 0)"}, "a.t CONSTRAINT c CHECK (n > 0)"),
        (
            before | {"CREATE UNIQUE INDEX u ON a.t USING btree (n)"},
            "CREATE UNIQUE INDEX u ON a.t USING btree (n)",
        ),
    ):
        assert list(hindrances(before, change)) == [told]
    grown = {"a.t : TABLE", "a.t . n integer", "a.t GRANT SELECT TO yibao_reader", "a.u : TABLE"}
    grown |= {"a.t . m text NOT NULL DEFAULT ''", "a.u . k text NOT NULL"}
    assert list(hindrances(before, grown)) == []
