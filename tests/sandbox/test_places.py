"""The invented institutions."""

from datetime import date

import pytest

from yibao.registry.institutions.model import HeaderFamily, InstitutionKind
from yibao.sandbox.places import PLACES, Place, institutions, senders

TODAY = date(2026, 8, 15)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.pool)
def test_each_area_has_all_levels_and_a_pharmacy(place: Place) -> None:
    here = [i for i in institutions(TODAY) if i.home_pool == place.pool]
    levels = {term.level for i in here if (term := i.term_on(TODAY)) and not term.suspended}
    assert {"l3", "l2", "l1", "grass"} <= levels
    assert any(institution.kind is InstitutionKind.PHARMACY for institution in here)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.pool)
def test_each_area_has_two_hospitals_that_sign_with_x_tif(place: Place) -> None:
    here = {i.code for i in institutions(TODAY) if i.home_pool == place.pool}
    hospitals = {
        code
        for sender in senders()
        if sender.family is HeaderFamily.TIF
        for code in sender.institutions
        if code in here and code.startswith("H")
    }
    assert len(hospitals) >= 2


def test_everybody_has_exactly_one_sender() -> None:
    spoken_for = [code for sender in senders() for code in sender.institutions]
    assert sorted(spoken_for) == sorted(i.code for i in institutions(TODAY))


def test_one_hospital_is_suspended_and_one_has_risen() -> None:
    terms = [institution.terms for institution in institutions(TODAY)]
    assert sum(any(term.suspended for term in found) for found in terms) == 1
    assert any(len({term.level for term in found}) == 2 for found in terms)


def test_names_say_that_they_are_invented() -> None:
    assert all(
        term.name.startswith("演示")
        for institution in institutions(TODAY)
        for term in institution.terms
    )
