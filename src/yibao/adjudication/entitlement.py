"""What enrolment and payments entitle to (待遇享受): from dated facts to dated periods. Pure.

Everything is derived anew from all that is known, so a payment made later simply changes what
follows; nothing depends on today. A span of paid months entitles in full, from its first day, or
after a waiting time where it begins late. After it the fund pays on for the months of grace; then,
and while waiting, what the law leaves (``arrears``) may be used. ``docs/law/releases.md`` says how
a bureau uses it.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import NamedTuple

from yibao.kernel.periods import Period, add_months
from yibao.policy.model import EntitlementRules
from yibao.policy.parameters import Case, Parameter
from yibao.policy.terms import EntitlementExtent


class Reason(Enum):
    """Why an entitlement is as it is, in Chinese and English."""

    PAID = ("参保缴费", "premium paid")
    NO_PREMIUM = ("无需缴费", "no premium due")
    NEWBORN = ("新生儿自出生起享受", "newborn enrolled in time: covered from birth")
    REPAID = ("补缴追溯", "arrears paid back in time reach back")
    GRACE = ("缴费宽限期", "months of grace after the last paid month")
    WAITING = ("等待期", "waiting time after late or interrupted enrolment")
    ARREARS = ("欠费", "premium owed")
    ACCOUNT_ONLY = ("仅个人账户", "enrolled for the personal account alone")

    @property
    def text(self) -> str:
        """In Chinese, as the registry keeps it."""
        return str(self.value[0])

    @property
    def english(self) -> str:
        """In English."""
        return str(self.value[1])


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A period of enrolment in the scheme."""

    period: Period
    pays: bool = True
    """False: nothing is due (retired with all their years, groups paid for by the state)."""
    account_only: bool = False
    """Enrolled for the personal account alone: the fund never pays."""


class Paid(NamedTuple):
    """A payment: the span it covers (whole months, closed) and the day it was made."""

    period: Period
    paid_on: date


class Entitled(NamedTuple):
    """What may be used in a period, and why."""

    period: Period
    extent: EntitlementExtent
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Terms:
    """The law's terms on a day; a rule that the law does not have is 0."""

    waiting: int
    gap: int
    grace: int
    repay: int
    newborn_days: int
    arrears: EntitlementExtent


class _Span(NamedTuple):
    """Months covered without a break, with the day on which the first of them was paid."""

    start: date
    end: date | None
    paid_on: date | None
    """None: nothing was due."""
    reason: Reason
    due_from: date
    """First day of the months that were paid first, were it before the enrolment."""


def derive(
    enrolled: Sequence[Enrolled],
    paid: Iterable[Paid],
    rules: EntitlementRules,
    *,
    birth: date,
    died_on: date | None = None,
    case: Case | None = None,
) -> tuple[Entitled, ...]:
    """The entitlement of one person in one scheme at all times, periods in order without overlap.

    ``case`` are the person's classes, where the law's terms differ by them. Days in no period are
    not entitled. Refused: PARAMETER_MISSING when the law lacks a term on a day that needs it.
    """
    found: list[Entitled] = []
    before: date | None = None
    enrolments = _joined(enrolled)
    payments = sorted(paid, key=lambda payment: payment.period.start)
    if enrolments:
        enrolments[0] = _from_birth(enrolments[0], payments, rules, birth, case or {})
    for enrolment in enrolments:
        pieces, before = _of_enrolment(enrolment, payments, rules, birth, case or {}, before)
        found += pieces
    if died_on is not None:
        found = _cut(found, Period(date.min, died_on + timedelta(days=1)))
    return _merged(found)


# ---------------------------------------------------------------------------- one enrolment's life


def _of_enrolment(
    enrolment: Enrolled,
    payments: Sequence[Paid],
    rules: EntitlementRules,
    birth: date,
    case: Case,
    covered_until: date | None,
) -> tuple[list[Entitled], date | None]:
    """The periods within one enrolment, and until when the person was covered at its end."""
    spans = _spans(enrolment, payments, rules, birth, case)
    pieces: list[Entitled] = []
    first = spans[0].start if spans else None
    if first is None or enrolment.period.start < first:
        terms = _terms(rules, enrolment.period.start, case)
        head = Period(enrolment.period.start, first)
        pieces.append(Entitled(head, terms.arrears, Reason.ARREARS))
    for span, following in itertools.zip_longest(spans, spans[1:]):
        pieces += _span_pieces(span, rules, case, birth, covered_until)
        covered_until = span.end
        if span.end is not None:
            until = following.start if following else None
            pieces += _after(span.end, until, _terms(rules, span.end, case))
    own = _cut(pieces, enrolment.period)
    if enrolment.account_only:
        own = [_account_alone(piece) for piece in own]
    return own, covered_until


def _span_pieces(
    span: _Span, rules: EntitlementRules, case: Case, birth: date, covered_until: date | None
) -> list[Entitled]:
    """A covered span: in full, or first the waiting time of a late or interrupted enrolment."""
    whole = Period(span.start, span.end)
    full = EntitlementExtent.FULL
    if span.paid_on is None:
        return [Entitled(whole, full, span.reason)]
    terms = _terms(rules, span.start, case)
    if _in_time_from_birth(span.paid_on, birth, terms):
        return [Entitled(whole, full, Reason.NEWBORN if span.start == birth else span.reason)]
    if covered_until is None:
        late = span.paid_on >= add_months(max(span.due_from, birth), 1 + terms.grace)
    else:
        late = span.start > add_months(covered_until, terms.gap)
    begin = max(span.start, span.paid_on) if late else span.start
    if late:
        begin = add_months(begin, terms.waiting)
    if begin <= span.start:
        return [Entitled(whole, full, span.reason)]
    waiting = Entitled(Period(span.start, begin), terms.arrears, Reason.WAITING)
    if span.end is not None and span.end <= begin:
        return _cut([waiting], whole)
    return [waiting, Entitled(Period(begin, span.end), full, span.reason)]


def _after(end: date, until: date | None, terms: _Terms) -> list[Entitled]:
    """What follows a covered span until the next one: grace, then arrears."""
    grace = add_months(end, terms.grace)
    pieces = []
    if grace > end:
        pieces.append(Entitled(Period(end, grace), EntitlementExtent.FULL, Reason.GRACE))
    pieces.append(Entitled(Period(grace, None), terms.arrears, Reason.ARREARS))
    return pieces if until is None else _cut(pieces, Period(end, until))


# ------------------------------------------------------------------------------ what is covered


def _spans(
    enrolment: Enrolled,
    payments: Sequence[Paid],
    rules: EntitlementRules,
    birth: date,
    case: Case,
) -> list[_Span]:
    """The spans of an enrolment that are covered, in order; neighbours are one span."""
    period = enrolment.period
    if not enrolment.pays:
        return [_Span(period.start, period.end, None, Reason.NO_PREMIUM, period.start)]
    spans: list[_Span] = []
    for payment in payments:
        if not payment.period.meets(period):
            continue
        assert payment.period.end is not None, "a payment covers a closed span"
        start = max(payment.period.start, period.start)
        end = payment.period.end if period.end is None else min(payment.period.end, period.end)
        whole = _Span(start, end, payment.paid_on, Reason.PAID, payment.period.start)
        span = _reached(whole, spans, rules, case)
        if span is None:
            continue
        last = spans[-1] if spans else None
        if last is None or last.end is None or last.end < span.start:
            spans.append(span)
        elif last.reason is span.reason:
            spans[-1] = last._replace(end=max(last.end, end))
        elif end > last.end:
            spans.append(span._replace(start=last.end))
    if spans and period.start == birth:
        paid_on = spans[0].paid_on or birth
        if _in_time_from_birth(paid_on, birth, _terms(rules, spans[0].start, case)):
            spans[0] = spans[0]._replace(start=birth)
    return spans


def _reached(
    span: _Span, before: Sequence[_Span], rules: EntitlementRules, case: Case
) -> _Span | None:
    """What a payment covers: all its months, or, when it is too late to reach back, the rest.

    Months before the first payment ever are a late enrolment, not arrears: these wait instead.
    """
    assert span.paid_on is not None
    assert span.end is not None
    if not before:
        return span
    terms = _terms(rules, span.start, case)
    due = add_months(span.start, 1 + terms.grace)
    if span.paid_on < due:
        return span
    if span.paid_on < add_months(span.start, 1 + terms.repay):
        return span._replace(reason=Reason.REPAID)
    return None if span.paid_on >= span.end else span._replace(start=span.paid_on)


def _from_birth(
    enrolment: Enrolled,
    payments: Sequence[Paid],
    rules: EntitlementRules,
    birth: date,
    case: Case,
) -> Enrolled:
    """The first enrolment, reaching back to birth where a newborn was enrolled in time."""
    start = enrolment.period.start
    if start < birth:
        return replace(enrolment, period=Period(birth, enrolment.period.end))
    paid_on = payments[0].paid_on if enrolment.pays and payments else start
    terms = _terms(rules, start, case)
    if start == birth or not _in_time_from_birth(max(start, paid_on), birth, terms):
        return enrolment
    return replace(enrolment, period=Period(birth, enrolment.period.end))


def _in_time_from_birth(day: date, birth: date, terms: _Terms) -> bool:
    return terms.newborn_days > 0 and (day - birth).days <= terms.newborn_days


# ----------------------------------------------------------------------------------------- periods


def _joined(enrolled: Iterable[Enrolled]) -> list[Enrolled]:
    """Enrolments in order; those that follow each other on the same terms are one."""
    joined: list[Enrolled] = []
    for one in sorted(enrolled, key=lambda one: one.period.start):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.period.end == one.period.start
            and (last.pays, last.account_only) == (one.pays, one.account_only)
        ):
            joined[-1] = replace(last, period=Period(last.period.start, one.period.end))
        else:
            joined.append(one)
    return joined


def _cut(pieces: Iterable[Entitled], within: Period) -> list[Entitled]:
    cut = []
    for piece in pieces:
        if piece.period.meets(within):
            ends = [end for end in (piece.period.end, within.end) if end is not None]
            period = Period(max(piece.period.start, within.start), min(ends) if ends else None)
            cut.append(piece._replace(period=period))
    return cut


def _account_alone(piece: Entitled) -> Entitled:
    if piece.extent is not EntitlementExtent.FULL:
        return piece
    return Entitled(piece.period, EntitlementExtent.ACCOUNT_ONLY, Reason.ACCOUNT_ONLY)


def _merged(pieces: Iterable[Entitled]) -> tuple[Entitled, ...]:
    merged: list[Entitled] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last == piece._replace(period=last.period)
            and (last.period.end == piece.period.start)
        ):
            merged[-1] = piece._replace(period=Period(last.period.start, piece.period.end))
            continue
        merged.append(piece)
    return tuple(merged)


# ------------------------------------------------------------------------------------------- terms


def _terms(rules: EntitlementRules, day: date, case: Case) -> _Terms:
    def number(parameter: Parameter[int | None]) -> int:
        return parameter.find(day, case).value or 0

    return _Terms(
        number(rules.waiting_months),
        number(rules.gap_months),
        number(rules.grace_months),
        number(rules.repay_months),
        number(rules.newborn_days),
        rules.arrears.find(day, case).value,
    )
