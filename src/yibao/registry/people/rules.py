"""Decisions about people: what an enrolment entitles to, which admissions make no sense."""

from collections.abc import Iterable

from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import EntitlementExtent
from yibao.registry.people.model import Enrolment, Entitlement, NewPerson
from yibao.registry.rules import covers_once

ENROLLED = "参保"
DIED = "死亡"


def entitlements_of(enrolments: Iterable[Enrolment]) -> tuple[Entitlement, ...]:
    """The entitlements that follow from enrolments: full while enrolled."""
    return tuple(
        Entitlement(enrolment.scheme, EntitlementExtent.FULL, enrolment.period, ENROLLED)
        for enrolment in enrolments
    )


def check_person(person: NewPerson) -> None:
    """Refuse a person whose records would contradict themselves."""
    for membership in person.memberships:
        number = membership.number
        ours = not membership.foreign
        if ours and number is not None and not number.startswith(membership.pool):
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"人员编号 {number} 须以统筹区编号 {membership.pool} 开头",
                "number",
            )
        _check("enrolments", "险种", ((row.scheme, row.period) for row in membership.enrolments))
        _check(
            "entitlements",
            "险种",
            ((row.scheme, row.period) for row in membership.entitlements or ()),
        )
    _check(
        "special_identities",
        "人员身份",
        ((row.kind, row.period) for row in person.special_identities),
    )


def _check(field: str, subject: str, rows: Iterable[tuple[str, Period]]) -> None:
    timelines: dict[str, list[Period]] = {}
    for code, period in rows:
        timelines.setdefault(code, []).append(period)
    for code, periods in timelines.items():
        if not covers_once(periods):
            raise Refused(RefusalCode.FIELD_INVALID, f"{subject} {code} 的起止日期重叠", field)
