"""Two small laws for the tests of comparisons."""

from decimal import Decimal
from typing import Any

from tests.policy.builders import counter, dated, document, law_of, limit, payer
from yibao.policy.model import Law


def small_law(ratio: str = "0.6", *, deductible: int = 100, lines: Any = None) -> Law:
    """A yearly deductible, one ratio, a fund with a line of 500 yuan above what is left."""
    content = document(
        {"pool": payer(Decimal(ratio))},
        {
            "paid": counter("year", "deductible"),
            "own_line": counter("year", "deductible", "critical"),
        },
        {"year": limit("paid", deductible)},
    )
    content["payers"] = {
        "critical": payer(
            Decimal("0.5"),
            base="unpaid",
            benefits=["outpatient"],
            deductible={"year": limit("own_line", 500)},
        )
    }
    content["payer_order"] = ["critical"]
    if lines is not None:
        content["lines"] = {"first_pay": [dated(lines)]}
    return law_of(content)
