"""Who works at the sandbox's institutions: artificial names and impossible identity numbers."""

from collections.abc import Iterator
from datetime import date

from yibao.kernel.periods import Period
from yibao.registry.institutions.model import Institution, InstitutionKind
from yibao.registry.staff.model import Practitioner, PractitionerKind
from yibao.sandbox.population import impossible_identity_number

_DOCTOR, _NURSE = PractitionerKind.DOCTOR, PractitionerKind.NURSE
_PHARMACIST = PractitionerKind.PHARMACIST
_LETTERS = {_DOCTOR: "D", _NURSE: "N", _PHARMACIST: "Y"}
_TITLES = {_DOCTOR: "演示医师", _NURSE: "演示护士", _PHARMACIST: "演示药师"}
_STAFF = {
    InstitutionKind.HOSPITAL: (_DOCTOR, _DOCTOR, _DOCTOR, _NURSE, _NURSE, _PHARMACIST),
    InstitutionKind.PHARMACY: (_PHARMACIST, _PHARMACIST),
}
_STEMS = "甲乙丙丁戊己"
_BORN = date(1975, 1, 1)
_PATIENTS = 1_000_000
"""Numbers below are the patients'; staff is counted from here."""


def practitioners(institution: Institution, place: int) -> Iterator[Practitioner]:
    """The staff of an institution, the ``place``-th of the sandbox, since its first contract."""
    since = Period(institution.terms[0].period.start)
    for number, kind in enumerate(_STAFF[institution.kind]):
        yield Practitioner(
            code=f"{_LETTERS[kind]}{institution.code[1:7]}{place * 10 + number:06d}",
            kind=kind,
            name=f"{_TITLES[kind]}{_STEMS[number]}",
            document_type="01",
            document_number=impossible_identity_number(_PATIENTS + place * 10 + number, _BORN, "1"),
            period=since,
            contracted=kind is _DOCTOR,
            own_number=f"{number + 1:03d}",
        )
