"""Special identities (特殊身份): minimum-living allowance, extremely poor, disabled …"""

from collections.abc import Iterable, Sequence

from yibao.loading import cells
from yibao.loading.kinds.enrolments import FROM, UNTIL
from yibao.loading.kinds.persons import take_back
from yibao.loading.model import Cells, Column, Desk, Kind, Made, Row, period_of
from yibao.policy.terms import IdentityKind
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.bulk.service import Change
from yibao.registry.people.model import SpecialIdentity


def _read(values: Cells) -> SpecialIdentity:
    return SpecialIdentity(
        IdentityKind(values["kind"]), values["level"], period_of(values), values["note"]
    )


async def _write(desk: Desk, rows: Sequence[Row]) -> list[Made]:
    changes = [
        Change(row.member, row.content, None if row.before is None else row.before.period)
        for row in rows
    ]
    await bulk.grant_special_identities(desk.connection, desk.pool, changes, now=desk.now)
    return [Made(row.member, row.content.period) for row in rows]


def _alike(row: Row) -> Iterable[tuple[str, ...]]:
    special: SpecialIdentity = row.content
    yield (row.pool, row.person or "", special.kind, special.period.start.isoformat())


IDENTITIES = Kind(
    name="identities",
    title="特殊身份",
    about="A special identity of a person for a period; it counts in every pool of the person.",
    columns=(
        Column("kind", "人员身份类别", cells.pattern(r"\d{2,6}", "digits", "数字代码"), "2303",
               note="`psn_idet_type`"),
        Column("level", "人员身份等级", cells.text(10), "", required=False),
        FROM,
        UNTIL,
        Column("note", "备注", cells.text(200), "", required=False),
    ),
    read=_read,
    write=_write,
    alike=_alike,
    take_back=take_back,
)  # fmt: skip
