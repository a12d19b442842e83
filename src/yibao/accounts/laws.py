"""Which law a personal account follows."""

from datetime import date
from typing import Protocol

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Law
from yibao.policy.terms import Scheme
from yibao.registry.people.model import Insured

EMPLOYEES = Scheme("310")
"""The scheme whose members have personal accounts (职工基本医疗保险)."""


class Laws(Protocol):
    """Laws by division and scheme."""

    def law_on(self, division: str, scheme: Scheme, day: date) -> Law:
        """The law of a division and scheme. Refused: PARAMETER_MISSING."""
        ...


def account_law(insured: Insured, laws: Laws, day: date) -> Law:
    """The law of a member's personal account: of the latest enrolment as an employee.

    Refused: NOT_ENROLLED for somebody who never was one.
    """
    rows = [row for row in insured.enrolments if row.scheme == EMPLOYEES]
    if not rows:
        raise Refused(RefusalCode.NOT_ENROLLED, "未参加职工基本医疗保险，没有个人账户", "member")
    latest = max(rows, key=lambda row: row.period.start)
    return laws.law_on(latest.division, EMPLOYEES, day)
