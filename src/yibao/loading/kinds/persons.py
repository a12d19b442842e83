"""Persons (人员): who is insured, with a number in a pool."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.periods import Period
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.model import Cells, Column, Desk, Fault, Kind, Made, Row, period_of
from yibao.registry.people import service
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.model import NewMembership, NewPerson

IDENTITY_CARD = "01"
_CARD_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of the file."""

    document_type: str
    document_number: str
    name: str
    gender: str
    birth_date: date
    ethnicity: str
    number: str | None
    period: Period


def _read(values: Cells) -> Entry:
    entry = Entry(
        values["document_type"] or IDENTITY_CARD,
        values["document_number"].upper(),
        values["name"],
        values["gender"],
        values["birth_date"],
        values["ethnicity"] or "01",
        values["number"],
        period_of(values),
    )
    if entry.document_type == IDENTITY_CARD:
        _check_card(entry)
    return entry


def _check_card(entry: Entry) -> None:
    """An identity number carries birth date, gender and a check digit (GB 11643)."""
    card = entry.document_number
    if len(card) != _CARD_DIGITS or not card[:-1].isdecimal() or not card.isascii():
        raise BadCell(
            "居民身份证号码应为 18 位", "an identity number has 18 digits", "document_number"
        )
    if id_card_check_digit(card[:-1]) != card[-1]:
        raise BadCell("居民身份证号码的校验位不对", "its check digit is wrong", "document_number")
    if card[6:14] != entry.birth_date.strftime("%Y%m%d"):
        raise BadCell(
            "出生日期与居民身份证号码不一致", "it differs from the identity number", "birth_date"
        )
    if (int(card[16]) % 2 == 1) != (entry.gender == "1"):
        raise BadCell("性别与居民身份证号码不一致", "it differs from the identity number", "gender")


def _person(desk: Desk, row: Row) -> NewPerson:
    entry: Entry = row.content
    foreign = entry.number is not None and not entry.number.startswith(desk.pool)
    membership = NewMembership(desk.pool, entry.period, (), entry.number, foreign=foreign)
    return NewPerson(
        entry.document_type,
        entry.document_number,
        entry.name,
        entry.gender,
        entry.birth_date,
        (membership,),
        entry.ethnicity,
    )


_FIELDS = {"memberships": "document_number"}
"""Columns that the registry's fields stand for."""


async def _check(desk: Desk, rows: Sequence[Row]) -> list[Fault]:
    people = [_person(desk, row) for row in rows]
    found = await bulk.objections(desk.connection, desk.vault, people)
    return [
        Fault(
            row.number,
            _FIELDS.get(refusal.field or "", refusal.field or ""),
            refusal.message,
            "the registry knows this person otherwise",
        )
        for row, refusal in zip(rows, found, strict=True)
        if refusal is not None
    ]


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    people = [_person(desk, row) for row in rows]
    admitted = await service.admit(desk.connection, desk.vault, people, now=desk.now)
    return [Made(one.memberships[0].number, one.memberships[0].period) for one in admitted]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    entry: Entry = row.content
    yield ("document", row.pool, entry.document_type, entry.document_number)
    if entry.number is not None:
        yield ("number", row.pool, entry.number)


async def take_back(desk: Desk, members: Sequence[str], loaded_at: datetime) -> list[str]:
    """Take back what was recorded of members at an instant; those changed since are left."""
    return await bulk.take_back(desk.connection, desk.pool, members, loaded_at, now=desk.now)


PERSONS = Kind(
    name="persons",
    title="人员",
    about="A person with a number in a pool. Who has one in another pool keeps being one human.",
    columns=(
        Column(
            "document_type", "证件类型", cells.pattern(r"\d{2}", "two digits", "两位数字"), "01",
            required=False, note="empty: 01, the identity card",
        ),
        Column(
            "document_number", "证件号码", cells.text(40), "990101198001010110", personal=True,
            note="of an identity card the check digit, birth date and gender are checked",
        ),
        Column("name", "姓名", cells.text(50), "测试甲", personal=True),
        Column("gender", "性别", cells.choice(**{"1": "male", "2": "female", "9": "unknown"}), "1"),
        Column("birth_date", "出生日期", cells.DATE, "1980-01-01", personal=True),
        Column(
            "ethnicity", "民族", cells.pattern(r"\d{2}", "two digits", "两位数字"), "01",
            required=False, note="GB/T 3304; empty: 01",
        ),
        Column(
            "number", "人员编号", cells.pattern(r"[0-9A-Za-z]{1,30}", "letters and digits",
                                              "字母和数字"), "", required=False,
            note="of the old system; empty: a new one is given",
        ),
        Column("from", "起始日期", cells.DATE, "2020-01-01", note="first day in the pool"),
        Column("until", "终止日期", cells.DATE, "", required=False, note="last day; empty: open"),
    ),
    read=_read,
    check=_check,
    write=_write,
    of_person=False,
    alike=_alike,
    writes_checked=True,
    changes=False,
    take_back=take_back,
)  # fmt: skip
