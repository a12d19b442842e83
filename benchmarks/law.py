"""How long one bill takes under the law: microseconds of `classify` and `benefit`, bill by bill.

    python -m benchmarks.law [--bills 20000] [--out FILE]

Each measure decides the same bill so many times in one process, after a warm-up that fills the
memory of plans, with a history and an account; the clock is read around each bill. Printed as JSON:
method, machine, versions, and for each measure p50, p90 and p99 with the raw figures in tenths.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.classify import classify
from yibao.adjudication.model import (
    AccountPart,
    Bill,
    ChargedLine,
    ItemTerms,
    Person,
    Provider,
    Statement,
    Sums,
)
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, Rate
from yibao.policy.load import law_book_of
from yibao.policy.model import Law
from yibao.policy.terms import CareKind, IdentityKind, ItemClass, Level, PersonType, Scheme

AREA = "990000"
DAY = date(2026, 3, 1)
WARM_UP = 500
LINES = 20
GOALS = {"simple": 60.0, "three_layers": 150.0}
"""Microseconds at p50, on an otherwise idle machine."""

HEAD = """
benefit_year = "01-01"
unpaid_care_kinds = ["41"]
account.may_pay = ["deductible", "co_pay", "first_pay", "over_limit", "own"]
account.parts = ["current", "carried"]
[law]
area = "990000"
scheme = "310"
title = "试验统筹区"
[sources]
T = { title = "a measurement", url = "none" }
[defaults]
from = 2020-01-01
source = ["T"]
confidence = "general"
[classes.person]
fact = "person_type"
order = ["active", "retired"]
active = ["11"]
retired = ["12"]
"""

SIMPLE = """
[counters]
paid = { scope = "year", counts = "deductible" }
fund = { scope = "year", counts = "fund", payers = ["pool"] }
[benefits.outpatient]
title = "门诊"
payer_order = ["pool"]
care_kinds = ["11"]
places = ["grass", "l1", "l2", "l3", "prov"]
deductible.year.counter = "paid"
deductible.year.amount = { by = ["person"], value = { active = 1800, retired = 1300 } }
[benefits.outpatient.payers.pool]
title = "统筹基金"
reported_as = { value = { fund = "310100", amount_field = "hifp" } }
bands = { by = ["person", "level"], value = { active = { l3 = 0.7, other = 0.8 }, retired = 0.85 } }
caps.year = { counter = "fund", amount = 20000 }
"""

THREE_LAYERS = """
[counters]
stays = { scope = "year", counts = "stays" }
visit = { scope = "visit", counts = "deductible" }
fund = { scope = "year", counts = "fund", payers = ["pool"] }
own = { scope = "year", counts = "deductible", payers = ["serious"] }
base = { scope = "year", counts = "base_after_deductible", payers = ["serious"] }
aid = { scope = "year", counts = "fund", payers = ["aid"] }
[classes.stay]
fact = "times"
counter = "stays"
order = ["first", "later"]
first = { below = 2 }
later = { from = 2 }
[classes.poverty]
fact = "identity"
order = ["destitute", "allowance"]
destitute = ["2304"]
allowance = ["2303"]
otherwise = "ordinary"
[benefits.stay]
title = "住院"
payer_order = ["pool"]
care_kinds = ["21"]
places = ["grass", "l1", "l2", "l3", "prov"]
[benefits.stay.deductible.visit]
counter = "visit"
amount = { by = ["level", "stay"], value = { l3 = { first = 900, later = 450 }, other = 400 } }
[benefits.stay.payers.pool]
title = "统筹基金"
reported_as = { value = { fund = "310100", amount_field = "hifp" } }
bands = [{ above = 0, to = 30000, ratio = 0.7 }, { above = 30000, ratio = 0.8 }]
caps.year = { counter = "fund", amount = 150000 }
[payers.serious]
title = "大病保险"
reported_as = { value = { fund = "390200", amount_field = "hifmi" } }
measured_on = "after_deductible"
counter = "base"
bands = [{ above = 0, to = 30000, ratio = 0.6 }, { above = 30000, ratio = 0.7 }]
adjust.poor.points = { by = ["poverty"], value = { ordinary = 0, other = 0.05 } }
deductible.year.counter = "own"
deductible.year.amount = 10000
deductible.year.factor.poor = { by = ["poverty"], value = { ordinary = 1, other = 0.5 } }
[payers.aid]
title = "医疗救助"
reported_as = { value = { fund = "610100", amount_field = "maf" } }
bands = { by = ["poverty"], value = { destitute = 1, allowance = 0.7, ordinary = "none" } }
caps.year = { counter = "aid", amount = 10000 }
"""


def law_of(top: str, body: str) -> Law:
    """A law from its text."""
    book = law_book_of({f"{AREA}/employee.toml": f"{top}\n{HEAD}\n{body}"})
    return book.law_on(AREA, Scheme("310"), DAY)


def bill_of(care_kind: str, in_scope: int, *identities: str) -> Bill:
    """A bill at a level-3 hospital, with some own expense and first pay."""
    return Bill(
        Scheme("310"),
        CareKind(care_kind),
        DAY,
        Person(
            PersonType("1101"), date(1970, 1, 1), identities=tuple(map(IdentityKind, identities))
        ),
        Provider(Level.THIRD),
        {"general": Sums(in_scope + 5_847, 3_599, 0, 2_248, in_scope)},
        visit="v1",
    )


def lines() -> list[tuple[ChargedLine, ItemTerms]]:
    """Twenty lines: drugs of class A and B, some with a ceiling, one own expense."""
    unit, one = 10**PRICE_SCALE, 10**QUANTITY_SCALE
    terms = [
        ItemTerms(ItemClass.A),
        ItemTerms(ItemClass.B, Rate(1000)),
        ItemTerms(ItemClass.B, Rate(500), 20 * unit),
        ItemTerms(ItemClass.C),
    ]
    return [
        (ChargedLine(200 * (n + 3), (n + 3) * unit, 2 * one), terms[n % len(terms)])
        for n in range(LINES)
    ]


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Microseconds of each call."""
    for _ in range(WARM_UP):
        work()
    clock, samples = time.perf_counter_ns, []
    for _ in range(times):
        begin = clock()
        work()
        samples.append((clock() - begin) / 1_000)
    return samples


def measures() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    charged = lines()
    account = [AccountPart("a", "current", 10_000)]
    simple, layers = law_of("", SIMPLE), law_of('payer_order = ["serious", "aid"]', THREE_LAYERS)
    outpatient, stay = bill_of("11", 42_476), bill_of("21", 6_000_000, "2303")
    stood = dict.fromkeys(needed_counters(outpatient, simple), 50000)
    history = {
        key: 1 if key.name == "stays" else 20_000
        for key in needed_counters(stay, layers)
        if not key.scope.startswith("visit:")
    }

    def simple_bill() -> object:
        for line, terms in charged:
            classify(line, terms)
        return benefit(outpatient, simple, stood, account)

    def three_layers() -> Statement:
        return benefit(stay, layers, history, account)

    assert len(three_layers().payments) == 3
    return {"simple": simple_bill, "three_layers": three_layers}


def summary(samples: list[float]) -> dict[str, Any]:
    """Percentiles, and every tenth of the samples in order."""
    cuts = statistics.quantiles(samples, n=100)
    return {
        "p50": round(cuts[49], 1),
        "p90": round(cuts[89], 1),
        "p99": round(cuts[98], 1),
        "deciles": [round(cuts[n], 1) for n in range(9, 99, 10)],
    }


def machine() -> dict[str, Any]:
    """Where it was measured."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": sys.version.split()[0],
    }


def main() -> None:
    """Measure, print, and write the figures if a file is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bills", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report = {
        "method": f"one bill {options.bills} times in one process after {WARM_UP} of warm-up; "
        f"simple: classify {LINES} lines and benefit with one fund; three_layers: benefit of a "
        "stay with three payers and a history; microseconds a bill",
        "machine": machine(),
        "goals_p50": GOALS,
        "microseconds": {
            name: summary(timed(work, options.bills)) for name, work in measures().items()
        },
    }
    text = json.dumps(report, ensure_ascii=False, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
