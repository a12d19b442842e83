"""Change the catalogue item by item: what is listed, and on which terms from a day on.

Services run inside the caller's transaction and take its instant as ``now`` (aware UTC); each bumps
the catalogue's version, so that every cache sees the change with its commit.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import ItemTerms
from yibao.kernel.money import NO_CEILING, Rate
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import ItemClass
from yibao.registry import store as versions
from yibao.registry.catalogue import store
from yibao.registry.catalogue.model import Item, TermsRow
from yibao.registry.rules import overwrite

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_ITEM, _TERMS = "item", "item_terms"


async def list_items(
    connection: "Connection[Any]", items: Sequence[Item], *, now: datetime
) -> None:
    """List items (目录), or say anew what is known of them; those that are the same stay."""
    await versions.bump(connection, versions.CATALOGUE)
    wanted = {item.code: item for item in items}
    known = {
        row["code"]: (row["row_id"], Item(*list(row)[1:]))
        for row in await store.current(connection, _ITEM, list(wanted))
    }
    different = [
        item for code, item in wanted.items() if code not in known or known[code][1] != item
    ]
    ended = [known[item.code][0] for item in different if item.code in known]
    await store.supersede(connection, _ITEM, ended, now)
    rows = [
        (
            item.code, item.name, item.list_type, item.charge_type, item.reference_price,
            item.demo_price, item.demo_class,
        )
        for item in different
    ]  # fmt: skip
    await store.copy(connection, _ITEM, rows, now)


async def set_terms(
    connection: "Connection[Any]", changes: Sequence[tuple[str, TermsRow]], *, now: datetime
) -> None:
    """Say on which terms items are covered in a period, whatever was said before (目录调整)."""
    await versions.bump(connection, versions.CATALOGUE)
    codes = list(dict.fromkeys(code for code, _ in changes))
    lines: defaultdict[tuple[Any, ...], list[tuple[int, TermsRow]]] = defaultdict(list)
    for row in await store.current(connection, _TERMS, codes):
        told = _row(row)
        lines[_line(row["item"], told)].append((row["row_id"], told))
    ended: list[int] = []
    fresh = 0  # rows that are not in the table yet have numbers below zero
    for code, change in changes:
        line = lines[_line(code, change)]
        gone, added = overwrite(line, change.period, change)
        ended += [row_id for row_id in gone if row_id > 0]
        line[:] = [one for one in line if one[0] not in gone]
        for told in added:
            fresh -= 1
            line.append((fresh, told))
    await store.supersede(connection, _TERMS, ended, now)
    rows = [
        _record(key[0], told) for key, line in lines.items() for row_id, told in line if row_id < 0
    ]
    await store.copy(connection, _TERMS, rows, now)


def terms_with_ceiling(rows: Sequence[TermsRow], wanted: TermsRow) -> TermsRow:
    """The terms that ``wanted`` changes the price ceiling of: those that hold where it does.

    Refused when the item has none on the first day.
    """
    for row in rows:  # the most specific first
        conditions = (
            (row.area, wanted.area), (row.level, wanted.level), (row.scheme, wanted.scheme),
            (row.care_kind, wanted.care_kind),
        )  # fmt: skip
        fits = all(asked is None or asked == told for asked, told in conditions)
        if fits and row.period.holds(wanted.period.start):
            terms = row.terms
            return TermsRow(
                wanted.period,
                ItemTerms(
                    terms.item_class,
                    terms.first_pay,
                    wanted.terms.ceiling,
                    terms.restricted,
                    terms.bucket,
                    terms.over_limit,
                ),
                wanted.area,
                wanted.level,
                wanted.scheme,
                wanted.care_kind,
            )
    raise Refused(RefusalCode.CODE_UNKNOWN, f"该项目在 {wanted.period.start} 没有目录条款", "code")


def _line(code: str, row: TermsRow) -> tuple[Any, ...]:
    return (code, row.area, row.level, row.scheme, row.care_kind)


def _row(row: "Record") -> TermsRow:
    return TermsRow(
        Period(row["valid_from"], row["valid_until"]),
        ItemTerms(
            item_class=ItemClass(row["item_class"]),
            first_pay=Rate(row["first_pay"]),
            ceiling=NO_CEILING if row["ceiling"] is None else row["ceiling"],
            restricted=row["restricted"],
            bucket=row["bucket"],
        ),
        row["area"],
        row["level"],
        row["scheme"],
        row["care_kind"],
    )


def _record(code: str, row: TermsRow) -> tuple[Any, ...]:
    terms = row.terms
    return (
        code, row.period.start, row.period.end, row.area, row.level, row.scheme, row.care_kind,
        terms.item_class.value, terms.first_pay.numerator,
        None if terms.ceiling == NO_CEILING else terms.ceiling, terms.restricted, terms.bucket,
        False, False,
    )  # fmt: skip
