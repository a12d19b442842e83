"""What people are treated for: hospitals, baskets of fee lines, and visits made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import PRICE_SCALE, line_amount
from yibao.kernel.periods import business_date
from yibao.platform.commands.model import Unit
from yibao.policy.terms import EMPLOYEE, GENERAL_OUTPATIENT, RESIDENT, Scheme
from yibao.registry.catalogue.model import Catalogue, Item
from yibao.registry.institutions.model import Directory, InstitutionKind
from yibao.registry.people.model import Insured
from yibao.settlement.model import Diagnosis, FeeLine, VisitFacts, VisitState

DOCTOR, DOCTOR_NAME = "D110000000001", "演示医生"
DEPARTMENT, DEPARTMENT_NAME = "A03", "内科"
VOUCHER = "02"
"""The identity card."""

_ONE = 10_000
"""A quantity of one."""
_CHEAP, _DEAR = 1 * 10**PRICE_SCALE, 80 * 10**PRICE_SCALE
"""Prices of what a visit is charged for, in yuan of ``PRICE_SCALE`` decimals."""
_WAITED = timedelta(minutes=40)
"""From the registration to the settlement."""
_DETAILS = {
    "rx_circ_flag": "0",
    "bilg_dept_codg": DEPARTMENT,
    "bilg_dept_name": DEPARTMENT_NAME,
    "bilg_dr_codg": DOCTOR,
    "bilg_dr_name": DOCTOR_NAME,
}
"""The other fields of a fee line, as ``benchmarks.visits`` sends them."""


class Basket(NamedTuple):
    """A diagnosis (code, name) and what is charged for it: items with their quantities."""

    number: int
    diagnosis: tuple[str, str]
    charged: tuple[tuple[Item, int], ...]


@dataclass(frozen=True, slots=True)
class Care:
    """The hospitals of a pool, and the baskets that their patients are charged."""

    hospitals: tuple[str, ...]
    baskets: tuple[Basket, ...]


def care_in(
    pool: Pool,
    directory: Directory,
    catalogue: Catalogue,
    days: tuple[datetime, datetime],
    random: Random,
    *,
    lines: int,
    baskets: int = 10,
) -> Care:
    """The pool's hospitals that have a contract from the first day to the last, and baskets."""
    hospitals = tuple(
        code
        for code, institution in sorted(directory.institutions.items())
        if institution.home_pool == pool
        and institution.kind is InstitutionKind.HOSPITAL
        and all(
            (term := institution.term_on(business_date(day))) is not None and not term.suspended
            for day in days
        )
    )
    items = [item for item in catalogue.items.values() if _CHEAP <= item.reference_price <= _DEAR]
    diagnoses = sorted(catalogue.diagnoses.items())
    return Care(
        hospitals,
        tuple(
            Basket(
                number,
                random.choice(diagnoses),
                tuple((random.choice(items), _ONE * random.randint(1, 3)) for _ in range(lines)),
            )
            for number in range(baskets)
        ),
    )


def settleable(insured: Insured, days: tuple[datetime, datetime]) -> Scheme | None:
    """The scheme of a person who is insured from the first day to the last; None of others."""
    civil = [business_date(day) for day in days]
    if insured.identity.died_on is not None:
        return None
    for scheme in (EMPLOYEE, RESIDENT):
        if all(
            insured.membership.period.holds(day) and insured.enrolment_on(scheme, day) is not None
            for day in civil
        ):
            return scheme
    return None


def fee_lines(basket: Basket, label: str, time: datetime) -> list[FeeLine]:
    """The lines of a basket, charged together."""
    return [
        FeeLine(
            serial=f"{label}-{number:02d}",
            batch=label,
            item=item.code,
            institution_item=item.code,
            amount=line_amount(item.reference_price, quantity),
            price=item.reference_price,
            quantity=quantity,
            time=time,
            approval="1",
            details=_DETAILS,
        )
        for number, (item, quantity) in enumerate(basket.charged)
    ]


def begun(unit: Unit) -> datetime:
    """When a visit began that is settled in the unit."""
    return unit.now - _WAITED


def visit(
    unit: Unit, hospital: str, insured: Insured, scheme: Scheme, basket: Basket, number: str
) -> VisitFacts:
    """A visit as 2201 and 2203 leave it; ``number`` is the hospital's own."""
    code, name = basket.diagnosis
    begin = begun(unit)
    return VisitFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=hospital,
        member=insured.membership.number,
        scheme=scheme,
        state=VisitState.OPEN,
        begin=begin,
        voucher_type=VOUCHER,
        outpatient_number=number,
        doctor_code=DOCTOR,
        doctor_name=DOCTOR_NAME,
        department_code=DEPARTMENT,
        department_name=DEPARTMENT_NAME,
        speciality=DEPARTMENT,
        care_kind=GENERAL_OUTPATIENT,
        condition=name,
        disease_code=None,
        disease_name=None,
        diagnoses=(Diagnosis("1", 1, code, name, DEPARTMENT, DOCTOR, DOCTOR_NAME, begin),),
        maternity={},
    )


def drawn(care: Care, random: Random, count: int) -> Sequence[tuple[str, Basket]]:
    """Where so many visits are, and what is charged."""
    places = random.choices(care.hospitals, k=count)
    return list(zip(places, random.choices(care.baskets, k=count), strict=True))
