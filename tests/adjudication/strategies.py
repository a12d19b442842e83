"""Hypothesis strategies over the whole space of laws and of bills.

Laws are drawn as documents and read by the real loader. They are small and crowded: bounds, limits
and bills are of one size, so that every limit is met by some bill.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.policy.builders import AREA, SOURCES, law_of
from yibao.adjudication.model import Bill, Person, Provider, Sums
from yibao.policy.model import Law
from yibao.policy.terms import (
    CareKind,
    EntitlementExtent,
    Filing,
    IdentityKind,
    Level,
    PersonType,
    Place,
    Scheme,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
Leaf = st.SearchStrategy[Any]

CLASSES: dict[str, dict[str, Any]] = {
    "person": {
        "fact": "person_type", "order": ["active", "senior", "retired"],
        "active": ["11"], "senior": ["1102"], "retired": ["12"], "otherwise": "others",
    },
    "age": {"fact": "age", "order": ["young", "old"], "young": {"below": 45}, "old": {"from": 45}},
    "poverty": {
        "fact": "identity", "order": ["destitute", "allowance"],
        "destitute": ["2304"], "allowance": ["2303"], "otherwise": "ordinary",
    },
    "rank": {"fact": "trait", "order": ["high"], "high": ["section"], "otherwise": "low"},
    "cover": {"fact": "enrolment", "order": ["servant"], "servant": ["320"], "otherwise": "plain"},
    "retirement": {
        "fact": "retired_on", "order": ["early"],
        "early": {"below": date(2001, 1, 1)}, "otherwise": "later",
    },
    "seniority": {
        "fact": "enrolled_years", "order": ["short", "long"],
        "short": {"below": 4}, "long": {"from": 4},
    },
    "sex": {"fact": "gender", "order": ["men"], "men": ["1"], "otherwise": "women"},
    "kind": {"fact": "care_kind", "order": ["stay"], "stay": ["21"], "otherwise": "visit"},
    "illness": {
        "fact": "disease", "order": ["chronic", "grave"],
        "chronic": ["M0"], "grave": ["M01"], "otherwise": "none_named",
    },
    "way": {"fact": "circumstance", "order": ["sent"], "sent": ["referred"], "otherwise": "self"},
    "pot": {"fact": "bucket", "order": ["dual"], "dual": ["dual"], "otherwise": "main"},
    "nth": {
        "fact": "times", "counter": "stays", "order": ["first", "second", "more"],
        "first": {"below": 2}, "second": {"from": 2, "below": 3}, "more": {"from": 3},
    },
}  # fmt: skip

NAMES = {
    dimension: [*rules["order"], *([rules["otherwise"]] if "otherwise" in rules else [])]
    for dimension, rules in CLASSES.items()
} | {
    "level": [level.value for level in Level],
    "place": [place.value for place in Place],
    "filing": [filing.value for filing in Filing],
}

OF_BILLS = [dimension for dimension in NAMES if dimension not in ("nth", "pot")]
"""Dimensions that counters may be ``by``."""

GENERAL = ["general", "dual"]

CHANGE = date(2025, 5, 1)
"""When values change that do."""

AMOUNTS = st.sampled_from([0, 50, 300, 650, 1_000, Decimal("1300.55"), 1_800, 4_000, "none"])
SOME = st.sampled_from([20, 50, 300, 650, 1_000, Decimal("1300.55"), 1_800, 4_000])
TIMES = st.sampled_from([1, 2, 3, "none"])
RATIOS = st.sampled_from(
    [*(Decimal(n) for n in ("0", "0.5", "0.7", "0.85", "0.905", "1")), "2/3", "3/7"]
)
SHARES = st.sampled_from([Decimal("0"), Decimal("0.1"), Decimal("0.35"), "1/3", Decimal("1")])
FACTORS = st.sampled_from([Decimal("0.5"), Decimal("0"), Decimal("0.333"), Decimal("1.2")])
POINTS = st.sampled_from([Decimal("-0.10"), Decimal("0.02"), Decimal("0.3"), Decimal("-0.6")])
CAPS = ["fund", "base", "base_after_deductible", "payments", "in_scope", "after_deductible"]
ADJUSTMENTS: dict[str, Leaf] = {
    "own_share_times": st.sampled_from([Decimal("0.6"), Decimal("0.8"), Decimal("1.5")]),
    "fund_share_times": st.sampled_from([Decimal("0.9"), Decimal("0.333"), Decimal("1.1")]),
    "points": POINTS,
    "points_per_year_of_age": st.sampled_from([Decimal("0.002"), Decimal("-0.001")]),
}


@st.composite
def bands(draw: Draw) -> Any:
    """Bands: none, one ratio, or several segments."""
    shape = draw(st.sampled_from(["one", "several", "several", "several", "one", "none"]))
    if shape == "none":
        return "none"
    if shape == "one":
        return draw(RATIOS)
    bounds = sorted(draw(st.sets(SOME, min_size=1, max_size=3)))
    return [
        {"above": above, **({} if to is None else {"to": to}), "ratio": draw(RATIOS)}
        for above, to in zip([0, *bounds], [*bounds, None], strict=True)
    ]


@dataclass
class Draft:
    """A law in the making: draws parameters, and declares the counters they need."""

    draw: Draw
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: bool = False
    """Whether values may be missing for some classes."""

    def maybe(self, chance: int = 3) -> bool:
        """True in one of so many laws; shrinks to False."""
        return bool(self.draw(st.integers(0, chance - 1)) == chance - 1)

    def parameter(self, leaf: Leaf, dimensions: Sequence[str] = tuple(NAMES)) -> Any:
        """A parameter: a plain value, one by classes, or two dated ones."""
        if self.maybe(5):
            entries = [self._entry(leaf, dimensions), self._entry(leaf, dimensions)]
            return [{"from": date(2020, 1, 1), **entries[0]}, {"from": CHANGE, **entries[1]}]
        return [self._entry(leaf, dimensions)]

    def _entry(self, leaf: Leaf, dimensions: Sequence[str]) -> dict[str, Any]:
        by = self.draw(st.lists(st.sampled_from(dimensions), unique=True, max_size=2))
        if not self.maybe(2):
            by = []
        return {**({"by": by} if by else {}), "value": self._value(leaf, by)}

    def _value(self, leaf: Leaf, by: Sequence[str]) -> Any:
        if not by:
            return self.draw(leaf)
        names = NAMES[by[0]]
        table = {name: self._value(leaf, by[1:]) for name in names[:2]}
        if len(names) > 2 and not (self.gaps and self.maybe(4)):
            table["other"] = self._value(leaf, by[1:])
        return table

    def counter(self, counts: str, benefits: Sequence[str], *payers: str) -> str:
        """The name of a counter that is declared for this."""
        scopes = ["year", "visit", "visit_year", "chain", "day", "month", "quarter", "life"]
        name = f"c{len(self.counters)}"
        self.counters[name] = {
            "scope": self.draw(st.sampled_from(scopes)),
            "counts": counts,
            "benefits": list(benefits),
            **({"payers": list(payers)} if payers else {}),
        }
        if self.maybe(4):
            self.counters[name]["by"] = [self.draw(st.sampled_from(OF_BILLS))]
        if self.counters[name]["scope"] in ("month", "quarter") and self.maybe(4):
            self.counters[name]["spread"] = True
        return name

    def limit(self, counts: str, benefits: Sequence[str], *payers: str) -> dict[str, Any]:
        """A deductible's or a cap's height, on a counter of its own."""
        times = counts == "payments"
        limit: dict[str, Any] = {
            "counter": self.counter(counts, benefits, *payers),
            "amount": self.parameter(TIMES if times else AMOUNTS),
        }
        if self.maybe(4):
            limit["factor"] = {"pupils": self.parameter(FACTORS)}
        if not times:
            if self.maybe(5):
                limit["growth"] = {"years": self._growth()}
                if self.maybe(2):
                    limit["growth_at_most"] = self.parameter(SHARES)
            if self.maybe(5):
                limit["further"] = self.parameter(AMOUNTS)
        if self.maybe(5):
            limit["every_days"] = self.parameter(st.sampled_from([1, 3, 90, "none"]))
        return limit

    def _growth(self) -> dict[str, Any]:
        return {
            "years": self.draw(st.sampled_from(["enrolled_years", "claim_free_years"])),
            "after": self.parameter(st.sampled_from([0, 2, 4])),
            "step": self.parameter(SOME),
        }

    def payer(
        self,
        key: str,
        bases: Sequence[str],
        benefits: Sequence[str],
        above: Sequence[str],
        before: Sequence[str] = (),
    ) -> dict[str, Any]:
        """A payer on one of the bases; ``above``: payers with a cap; ``before``: followed ones."""
        base = self.draw(st.sampled_from([*bases, *(["above_cap"] if above else [])]))
        payer: dict[str, Any] = {
            "base": base,
            "reported_as": [{"value": {"fund": "310100", "amount_field": "hifp"}}],
            "bands": self.parameter(bands()),
            **self._axis(key, benefits),
        }
        follows_one = bool(before) and set(before) <= set(above)
        if base == "above_cap" and (not follows_one or self.maybe(2)):
            payer["above_cap_of"] = self.draw(st.sampled_from(list(above)))
        if base == "outside" or self.maybe(4):
            parts = st.sets(st.sampled_from(["first_pay", "over_limit", "own"]), min_size=1)
            payer["also"] = {part: self.parameter(SHARES) for part in sorted(self.draw(parts))}
        if self.maybe(3):
            payer["deductible"] = {"own": self.limit("deductible", benefits, key)}
        caps = self.draw(st.lists(st.sampled_from(CAPS), max_size=2, unique=True))
        if caps:
            payer["caps"] = {
                counts: self.limit(
                    counts, benefits, *([] if counts in ("in_scope", "after_deductible") else [key])
                )
                for counts in caps
            }
        if self.maybe(3):
            kinds = self.draw(
                st.lists(st.sampled_from(list(ADJUSTMENTS)), min_size=1, max_size=2, unique=True)
            )
            payer["adjust"] = {kind: {kind: self.parameter(ADJUSTMENTS[kind])} for kind in kinds}
            payer["adjust_order"] = kinds
        return payer

    def _axis(self, key: str, benefits: Sequence[str]) -> dict[str, Any]:
        counted = {
            "after_deductible": ["after_deductible", "base_after_deductible"],
            "absolute": ["in_scope", "base"],
            "fund_paid": ["fund"],
        }
        axis = self.draw(st.sampled_from(list(counted)))
        if self.maybe(2):
            return {"measured_on": axis}
        counts = self.draw(st.sampled_from(counted[axis]))
        payers = [] if counts in ("in_scope", "after_deductible") else [key]
        return {"measured_on": axis, "counter": self.counter(counts, benefits, *payers)}

    def benefit(self, key: str, kinds: Sequence[str], buckets: Sequence[str]) -> dict[str, Any]:
        """A benefit with up to three payers."""
        payers: dict[str, Any] = {}
        above: list[str] = []
        for n in range(self.draw(st.integers(1, 3))):
            name = f"{key[0]}{n}"
            bases = ["in_scope"] if not n else ["co_pay", "unpaid", "outside"]
            payers[name] = self.payer(name, bases, [key], above, list(payers)[-1:])
            if not payers[name].get("caps", {}).keys() <= {"payments"}:
                above.append(name)
        benefit: dict[str, Any] = {
            "title": key,
            "care_kinds": [{"value": list(kinds)}],
            "places": self.parameter(
                st.just([*NAMES["level"][1:], "pharmacy"]), ["person", "place"]
            ),
            "buckets": list(buckets),
            "payer_order": list(payers),
            "payers": payers,
        }
        limits = self.draw(st.integers(0, 2))
        if limits:
            benefit["deductible"] = {
                f"d{n}": self.limit("deductible", [key]) for n in range(limits)
            }
        if self.maybe(3):
            benefit["first_pay"] = self.parameter(SHARES)
        if self.maybe(4):
            benefit["fixed_price"] = {"amount": self.parameter(AMOUNTS), "per_day": self.maybe(2)}
        if self.maybe(4):
            benefit["across_year"] = self.parameter(st.sampled_from(["whole", "cut"]))
        return benefit


def laws() -> st.SearchStrategy[Law]:
    """A law of any shape that the loader takes."""
    return documents().map(law_of)


@st.composite
def laws_and_more_generous(draw: Draw) -> tuple[Law, Law]:
    """A law, and the same with one of its ratios raised to the whole."""
    document = draw(documents())
    more = copy.deepcopy(document)
    shares = [share for table in _tables_of_payers(more) for share in _shares(table["bands"])]
    if shares:
        container, key = draw(st.sampled_from(shares))
        container[key] = Decimal("1")
    return law_of(document), law_of(more)


def _tables_of_payers(document: dict[str, Any]) -> list[dict[str, Any]]:
    own = [p for benefit in document["benefits"].values() for p in benefit["payers"].values()]
    return [*own, *document["payers"].values()]


def _shares(node: Any) -> list[tuple[Any, Any]]:
    """Where the ratios of a parameter of bands stand: containers and keys."""
    items = list(node.items() if isinstance(node, dict) else enumerate(node))
    found = []
    for key, child in items:
        if isinstance(child, dict | list) and key != "by":
            found += _shares(child)
        elif key not in ("above", "to", "by", "from") and child != "none":
            found.append((node, key))
    return found


@st.composite
def documents(draw: Draw) -> dict[str, Any]:
    """The document of a law of any shape that the loader takes."""
    draft = Draft(draw)
    draft.gaps = draft.maybe(4)
    count = draw(st.integers(1, 3))
    chosen = [("outpatient", ["11", "14"]), ("inpatient", ["21"]), ("dual", ["11", "14", "21"])]
    paid_for = {kind for _, kinds in chosen[:count] for kind in kinds}
    benefits = {
        key: draft.benefit(key, kinds, [key] if key == "dual" else GENERAL[: 1 if count > 2 else 2])
        for key, kinds in chosen[:count]
    }
    above = [
        name
        for benefit in benefits.values()
        for name, payer in benefit["payers"].items()
        if not payer.get("caps", {}).keys() <= {"payments"}
    ]
    payers: dict[str, Any] = {}
    for n in range(draw(st.integers(0, 3))):
        name = f"x{n}"
        covers = draw(st.lists(st.sampled_from(list(benefits)), min_size=1, unique=True))
        mine = [other for other in above if other[0] in "x" or _key_of(other, benefits) in covers]
        last = [list(benefits[cover]["payers"])[-1] for cover in covers]
        before = list(payers)[-1:] or last
        payers[name] = {
            **draft.payer(name, ["unpaid", "co_pay", "outside"], covers, mine, before),
            "benefits": covers,
        }
        if not payers[name].get("caps", {}).keys() <= {"payments"}:
            above.append(name)
    return {
        "law": {"area": AREA, "scheme": "310", "title": "试验统筹区"},
        "sources": SOURCES,
        "defaults": {"from": date(2000, 1, 1), "source": ["T"], "confidence": "general"},
        "classes": CLASSES,
        "benefit_year": [{"value": draw(st.sampled_from(["01-01", "07-01", "04-15"]))}],
        "unpaid_care_kinds": [{"value": sorted({"11", "14", "21", "41"} - paid_for)}],
        "account": {"may_pay": [{"value": ["co_pay"]}], "parts": [{"value": ["current"]}]},
        "counters": {
            "stays": {
                "scope": draw(st.sampled_from(["year", "life"])),
                "counts": "stays",
                "by": draw(st.sampled_from([[], ["level"]])),
            },
            **draft.counters,
        },
        "benefits": benefits,
        "payer_order": list(payers),
        "payers": payers,
    }


def _key_of(payer: str, benefits: dict[str, Any]) -> str:
    return next(key for key, benefit in benefits.items() if payer in benefit["payers"])


# ------------------------------------------------------------------------------------------ bills

FEN = st.one_of(
    st.sampled_from([0, 1, 5_000, 30_000, 65_000, 100_000, 130_055, 180_000, 400_000]),
    st.integers(0, 900_000),
)


PARTS = st.sampled_from([0, 0, 1, 777, 20_000])


@st.composite
def sums(draw: Draw) -> Sums:
    """The sums of a bucket, mostly in scope."""
    in_scope = draw(FEN)
    if draw(st.booleans()):
        return Sums(in_scope, in_scope=in_scope)
    own, over_limit, first_pay = draw(PARTS), draw(PARTS), draw(PARTS)
    hospital = draw(st.sampled_from([0, over_limit]))
    total = own + over_limit + first_pay + in_scope
    return Sums(total, own, over_limit, first_pay, in_scope, hospital)


OF_PERSONS: dict[str, Sequence[Any]] = {
    "person_type": [PersonType(code) for code in ("1102", "1201", "1400")],
    "birth_date": [date(1980, 5, 1), date(1950, 2, 28)],
    "gender": ["1", "2"],
    "identities": [(IdentityKind("2303"),), (IdentityKind("2304"), IdentityKind("2303"))],
    "entitlement": [EntitlementExtent.ACCOUNT_ONLY],
    "traits": [("section", "signed")],
    "enrolments": [(Scheme("320"),)],
    "retired_on": [date(2000, 12, 31), date(2010, 1, 1)],
    "enrolled_years": [3, 9, None],
    "claim_free_years": [5, None],
}
"""What may be unusual of a person."""

OF_BILL: dict[str, Sequence[Any]] = {
    "provider": [Provider(Level.GRASS_ROOTS), Provider(Level.SECOND), Provider(Level.FIRST, True)],
    "disease": ["M00500", "M01200"],
    "visit": ["1", "1", "2"],
    "place": [Place.PROVINCE, Place.OUTSIDE],
    "filing": [Filing.TRANSFER, Filing.TEMPORARY],
    "circumstances": [("referred", "selected")],
    "begin": [date(2025, 1, 1), date(2024, 10, 1)],
    "days": [2, 12, 95],
    "months": [3],
    "further_diseases": [1, 2],
    "chain": ["1", "7"],
    "fixed_price": [True],
}
"""What may be unusual of a bill."""


def _unusual(draw: Draw, facts: dict[str, Sequence[Any]], most: int) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(list(facts)), unique=True, max_size=most))
    return {name: draw(st.sampled_from(facts[name])) for name in names}


@st.composite
def persons(draw: Draw) -> Person:
    """A person with any facts."""
    usual: dict[str, Any] = {"enrolled_years": 4, "claim_free_years": 0}
    unusual = _unusual(draw, OF_PERSONS, 4)
    return Person(
        **{"person_type": PersonType("1101"), "birth_date": date(1990, 3, 5), **usual, **unusual}
    )


@st.composite
def bills(draw: Draw, person: Person, day: date) -> Bill:
    """A bill of a person on a day."""
    by_bucket = {"general": draw(sums())}
    if not draw(st.integers(0, 3)):
        dual = draw(sums())
        by_bucket = {name: s for name, s in [*by_bucket.items(), ("dual", dual)] if s.total}
    return Bill(
        scheme=Scheme("310"),
        care_kind=CareKind(draw(st.sampled_from(["11", "21", "11", "21", "14", "41"]))),
        day=day,
        person=person,
        sums=by_bucket or {"general": Sums()},
        use_account=False,
        **{"provider": Provider(Level.THIRD), **_unusual(draw, OF_BILL, 3)},
    )


@st.composite
def bills_of_one(draw: Draw) -> list[Bill]:
    """One person's bills in their order."""
    person = draw(persons())
    days = st.dates(date(2024, 11, 1), date(2025, 12, 31))
    listed = sorted(draw(st.lists(days, min_size=1, max_size=6)))
    return [draw(bills(person, day)) for day in listed]


@st.composite
def histories(draw: Draw) -> list[list[Bill]]:
    """The bills of some persons."""
    return draw(st.lists(bills_of_one(), min_size=2, max_size=5))
