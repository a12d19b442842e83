"""Whether a declaration may be made or taken back."""

from datetime import date
from typing import Any

import pytest

from yibao.kernel.areas import Division
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.filings import rules

TODAY = date(2026, 7, 15)


def refusal(work: Any, *arguments: Any, **named: Any) -> RefusalCode | None:
    """Why something is refused; None when it is not."""
    try:
        work(*arguments, **named)
    except Refused as refused:
        return refused.refusal.code
    return None


@pytest.mark.parametrize(
    ("begin", "end", "allowed"),
    [
        (TODAY, None, True),
        (TODAY, TODAY, True),
        (TODAY, date(2026, 7, 14), False),
        (date(2030, 1, 1), None, True),
        (date(2023, 7, 14), None, True),
        (date(2023, 7, 12), None, False),
    ],
)
def test_days_run_forward_and_not_from_long_ago(
    begin: date, end: date | None, allowed: bool
) -> None:
    wrong = None if allowed else RefusalCode.DATE_NOT_ALLOWED
    assert refusal(rules.check_days, begin, end, TODAY) is wrong


@pytest.mark.parametrize(
    ("code", "is_diagnosis", "allowed"),
    [
        ("M03900", False, True),
        ("I10.x00", True, True),
        ("I10.x00", False, False),
        ("M0390", False, False),
        ("M03900x", False, False),
        ("高血压", False, False),
    ],
)
def test_a_disease_has_a_national_code_or_is_a_diagnosis(
    code: str, is_diagnosis: bool, allowed: bool
) -> None:
    wrong = None if allowed else RefusalCode.CODE_UNKNOWN
    assert refusal(rules.check_disease, code, is_diagnosis=is_diagnosis) is wrong


@pytest.mark.parametrize(
    ("told", "standing", "place"),
    [
        ("430100", "430102", "430100"),
        ("430000", "430102", "430000"),
        ("430100", None, "430100"),
        (None, "430102", "430102"),
    ],
)
def test_a_referral_is_for_the_place_told_or_where_the_hospital_stands(
    told: str | None, standing: str | None, place: str
) -> None:
    found = rules.place_of_transfer(_division(told), _division(standing))
    assert found == place


def test_a_referral_to_nowhere_or_elsewhere_is_refused() -> None:
    assert refusal(rules.place_of_transfer, None, None) is RefusalCode.FIELD_MISSING
    elsewhere = (Division("430200"), Division("430102"))
    assert refusal(rules.place_of_transfer, *elsewhere) is RefusalCode.AREA_DIFFERS


@pytest.mark.parametrize(
    ("place", "outside", "allowed"),
    [
        ("430100", None, True),
        ("430100", True, True),
        ("430100", False, False),
        ("110105", False, True),
        ("110105", True, False),
    ],
)
def test_the_kind_of_referral_agrees_with_the_province(
    place: str, outside: bool | None, allowed: bool
) -> None:
    wrong = None if allowed else RefusalCode.FIELD_INVALID
    checked = (Division(place), Division("110000"), outside)
    assert refusal(rules.check_province, *checked) is wrong


def _division(code: str | None) -> Division | None:
    return None if code is None else Division(code)
