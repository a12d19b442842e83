"""Our own sandbox as a target of the conformance kit."""

from collections.abc import Iterable, Mapping
from typing import Any

from yibao.conformance.model import Item, Person, Target
from yibao.conformance.targets import TargetFault
from yibao.sandbox.traffic import endpoint_from

_ITEMS = 3


def target_of(found: Mapping[str, Any]) -> Target:
    """A hospital, a pharmacy, a person and items of one area, from the sandbox's accounts.

    Raises TargetFault.
    """
    hospital = _first(found["institutions"], "hospital", level="l3")
    pool = hospital["pool"]
    person = next((row for row in found["persons"] if row["pool"] == pool), None)
    items = [row for row in found["items"] if row["pool"] == pool][:_ITEMS]
    if person is None or not items:
        raise TargetFault(f"the sandbox has no person or no items in {pool}")
    shops = [row for row in found["institutions"] if row["kind"] == "pharmacy"]
    shop = next((row for row in shops if row["pool"] == pool), None)
    return Target(
        hospital=endpoint_from(hospital, found["base_url"]),
        pharmacy=None if shop is None else endpoint_from(shop, found["base_url"]),
        person=Person("02", person["certno"], person["insutype"], person["psn_no"]),
        items=tuple(Item(row["med_list_codg"], row["pric"]) for row in items),
    )


def _first(rows: Iterable[Mapping[str, Any]], kind: str, *, level: str) -> Mapping[str, Any]:
    chosen = sorted(
        (row for row in rows if row["kind"] == kind), key=lambda row: row["level"] != level
    )
    if not chosen:
        raise TargetFault(f"the sandbox has no {kind} that may be used today")
    return chosen[0]
