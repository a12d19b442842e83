"""The sandbox's staff: at every institution, nobody who could live."""

from datetime import date

from tests.sandbox.builders import VAULT
from yibao.platform.database import Database
from yibao.registry.institutions.model import InstitutionKind
from yibao.registry.staff.model import PractitionerKind
from yibao.registry.staff.service import practitioners_of
from yibao.sandbox.places import institutions
from yibao.sandbox.staff import practitioners

PLACES = institutions(date(2026, 7, 15))


def test_nobody_has_another_ones_code_or_document() -> None:
    people = [person for place, one in enumerate(PLACES) for person in practitioners(one, place)]
    assert len({person.code for person in people}) == len(people)
    assert len({person.document_number for person in people}) == len(people)
    assert all(person.document_number.startswith("99") for person in people)
    assert all(person.name.startswith("演示") for person in people)


async def test_hospitals_have_doctors_and_pharmacies_pharmacists(world: Database) -> None:
    async with world.reader(None) as connection:
        for one in PLACES:
            kinds = {person.kind for person in await practitioners_of(connection, VAULT, one.code)}
            assert (PractitionerKind.DOCTOR in kinds) is (one.kind is InstitutionKind.HOSPITAL)
            assert PractitionerKind.PHARMACIST in kinds
