"""How many bills a second the law decides on columns, on one thread, and with how much memory.

    python -m benchmarks.columns [--out FILE]

Blocks of made-up bills (seeded) are decided under laws of growing complexity, with about two and
about twenty bills a person, and in blocks of several sizes; each figure is the best of some runs
after one that fills the memory of cases. The memory is the peak of what one block allocates beside
its own columns. Printed as a table, and as JSON with method, machine and versions.
"""

import argparse
import json
import os
import platform
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.law import HEAD
from yibao.adjudication.columns import decide_columns
from yibao.adjudication.columns.model import BillColumns, Coded, SumColumns
from yibao.kernel.areas import Division
from yibao.policy.load import law_book_of, load_law_book
from yibao.policy.model import Law
from yibao.policy.terms import Level, Scheme

SEED = 20_260_101
RUNS = 3
CHUNK = 100_000
"""Persons a block where the number of bills is about two."""

ONE_FUND = """
[counters]
paid = { scope = "year", counts = "deductible", benefits = ["outpatient"] }
[benefits.outpatient]
title = "门诊、住院"
care_kinds = ["11", "21"]
places = ["grass", "l1", "l2", "l3", "prov"]
deductible.year.counter = "paid"
deductible.year.amount = { by = ["person"], value = { active = 1800, retired = 1300 } }
[benefits.outpatient.payers.pool]
title = "统筹基金"
reported_as = { fund = "310100", amount_field = "hifp" }
bands = { by = ["level"], value = { grass = 0.9, other = 0.7 } }
"""

REALISTIC = """
[classes.poverty]
fact = "identity"
order = ["destitute", "allowance"]
destitute = ["2304"]
allowance = ["2303"]
otherwise = "ordinary"
[classes.age]
fact = "age"
order = ["young", "old"]
young = { below = 70 }
old = { from = 70 }
[classes.nth]
fact = "times"
counter = "stays"
order = ["first", "later"]
first = { below = 2 }
later = { from = 2 }
[counters]
stays = { scope = "year", counts = "stays", benefits = ["inpatient"] }
stay_paid = { scope = "visit", counts = "deductible", benefits = ["inpatient"] }
paid = { scope = "year", counts = "deductible", benefits = ["outpatient"] }
visit_fund = { scope = "year", counts = "fund", payers = ["visits"], benefits = ["outpatient"] }
cost = { scope = "year", counts = "in_scope", benefits = ["inpatient"] }
fund = { scope = "year", counts = "fund", payers = ["pool"], benefits = ["inpatient"] }
illness_paid = { scope = "year", counts = "deductible", payers = ["illness"] }
illness_base = { scope = "year", counts = "base_after_deductible", payers = ["illness"] }
illness_fund = { scope = "year", counts = "fund", payers = ["illness"] }
aid_fund = { scope = "year", counts = "fund", payers = ["assistance"] }
[benefits.outpatient]
title = "门诊"
care_kinds = ["11"]
places = ["grass", "l1", "l2", "l3", "prov"]
deductible.year.counter = "paid"
deductible.year.amount = { by = ["person"], value = { active = 600, retired = 400 } }
[benefits.outpatient.payers.visits]
title = "统筹基金"
reported_as = { fund = "310100", amount_field = "hifp" }
[benefits.outpatient.payers.visits.bands]
by = ["person", "level"]
value = { active = { grass = 0.8, other = 0.6 }, retired = { grass = 0.85, other = 0.7 } }
[benefits.outpatient.payers.visits.caps]
year.counter = "visit_fund"
year.amount = { by = ["person"], value = { active = 3000, retired = 4000 } }
[benefits.inpatient]
title = "住院"
care_kinds = ["21"]
places = ["grass", "l1", "l2", "l3", "prov"]
deductible.stay.counter = "stay_paid"
deductible.stay.amount = { by = ["level"], value = { grass = 200, l1 = 300, l2 = 600, l3 = 1200 } }
deductible.stay.factor.nth = { by = ["nth"], value = { first = 1, later = "0.5" } }
[benefits.inpatient.payers.pool]
title = "统筹基金"
measured_on = "absolute"
counter = "cost"
reported_as = { fund = "310100", amount_field = "hifp" }
caps.year.counter = "fund"
caps.year.amount = 250000
[benefits.inpatient.payers.pool.bands]
by = ["level"]
[benefits.inpatient.payers.pool.bands.value]
l3 = [
    { above = 0, to = 20000, ratio = 0.80 },
    { above = 20000, to = 60000, ratio = 0.85 },
    { above = 60000, ratio = 0.90 },
]
other = [
    { above = 0, to = 20000, ratio = 0.85 },
    { above = 20000, to = 60000, ratio = 0.90 },
    { above = 60000, ratio = 0.95 },
]
[benefits.inpatient.payers.pool.adjust.retired]
own_share_times = { by = ["person"], value = { active = 1, retired = 0.6 } }
[payers.illness]
title = "大病保险"
counter = "illness_base"
reported_as = { fund = "330100", amount_field = "hifmi" }
deductible.year.counter = "illness_paid"
deductible.year.amount = 16000
deductible.year.factor.poor = { by = ["poverty"], value = { ordinary = 1, other = "0.5" } }
bands = [
    { above = 0, to = 50000, ratio = 0.60 },
    { above = 50000, to = 100000, ratio = 0.65 },
    { above = 100000, ratio = 0.70 },
]
caps.year.counter = "illness_fund"
caps.year.amount = { by = ["poverty"], value = { ordinary = 400000, other = "none" } }
[payers.illness.adjust.poor]
points = { by = ["poverty"], value = { ordinary = 0, other = 0.05 } }
[payers.assistance]
title = "医疗救助"
reported_as = { fund = "610100", amount_field = "maf" }
bands = { by = ["poverty"], value = { destitute = 1, allowance = 0.7, ordinary = "none" } }
caps.year.counter = "aid_fund"
caps.year.amount = { by = ["poverty"], value = { destitute = "none", other = 50000 } }
"""

ORDER = 'payer_order = ["illness", "assistance"]\n'


def main() -> None:
    """Measure, print, keep the raw figures."""
    options = _options()
    book = load_law_book()
    laws = {
        "one fund": _law(HEAD + ONE_FUND),
        "realistic": _law(ORDER + HEAD + REALISTIC),
        **{
            f"{area}/310": book.laws[Division(area), Scheme("310")] for area in ("110000", "430100")
        },
    }
    console = Console(width=110)
    table = Table("law", "bills a person", "persons a block", "bills", "bills/s", "MiB", "scalar")
    results = []
    for name, law in laws.items():
        for mean, persons in ((2, CHUNK), (20, CHUNK // 10), (2, CHUNK // 10), (20, CHUNK)):
            result = {"law": name, "bills_a_person": mean, **measured(law, persons, mean)}
            results.append(result)
            table.add_row(
                name, str(mean), f"{persons:,}", f"{result['bills']:,}",
                f"{result['bills_a_second']:,}", str(result["peak_mib"]), str(result["by_scalar"]),
            )  # fmt: skip
    console.print(table)
    document = {
        "method": "best of runs on one thread, blocks in memory, cases known",
        "runs": RUNS,
        "seed": SEED,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "results": results,
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if options.out:
        options.out.write_text(text)
    else:
        console.print_json(text)


def measured(law: Law, persons: int, mean: int) -> dict[str, Any]:
    """The best run of one block."""
    bills = block(persons, mean)
    began = time.perf_counter()
    decided = decide_columns(law, bills)
    first = time.perf_counter() - began
    runs = []
    for _ in range(RUNS):
        began = time.perf_counter()
        decide_columns(law, bills)
        runs.append(time.perf_counter() - began)
    tracemalloc.start()
    decide_columns(law, bills)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "persons": persons,
        "bills": len(bills),
        "bills_a_second": round(len(bills) / min(runs)),
        "seconds": [round(run, 4) for run in runs],
        "first_seconds": round(first, 4),
        "peak_mib": round(peak / 2**20),
        "by_scalar": decided.by_scalar,
        "refused": len(decided.refused),
        "paid": int(np.count_nonzero(decided.funds)),
    }


def block(persons: int, mean: int, seed: int = SEED) -> BillColumns:
    """Bills of a year: an eighth of them stays, few poor people, heavy tails."""
    rng = np.random.default_rng(seed)
    counts = 1 + rng.poisson(mean - 1, persons)
    rows = int(counts.sum())
    person = np.repeat(np.arange(persons), counts)
    day = 20_250_101 + rng.integers(0, 12, rows) * 100 + rng.integers(0, 28, rows)
    day = day[np.lexsort((day, person))].astype(np.int32)
    birth = (rng.integers(1935, 2005, persons) * 10_000 + 615).astype(np.int32)
    retired = birth < 19_650_000
    stays = rng.random(rows) < 0.125
    in_scope = np.where(stays, rng.pareto(1.6, rows) * 600_000, rng.pareto(2.0, rows) * 25_000)
    in_scope = np.minimum(in_scope, 80_000_000).astype(np.int64)
    identities = rng.choice(3, persons, p=[0.95, 0.03, 0.02]).astype(np.uint16)
    share = rng.integers(0, 15, rows)
    return BillColumns(
        person=person,
        day=day,
        care_kind=Coded(stays.astype(np.uint16), ["11", "21"]),
        person_type=Coded(retired.astype(np.uint16).take(person), ["1101", "1201"]),
        birth=birth.take(person),
        level=Coded(
            rng.integers(0, 4, rows).astype(np.uint16),
            [(level, False) for level in list(Level)[:4]],
        ),
        sums={
            "general": SumColumns(
                own=in_scope * share // 100,
                over_limit=np.zeros(rows, np.int64),
                first_pay=in_scope // 20,
                in_scope=in_scope,
            )
        },
        optional={"identities": Coded(identities.take(person), [(), ("2303",), ("2304",)])},
    )


def _law(text: str) -> Law:
    return law_book_of({"990000/law.toml": text}).laws[Division("990000"), Scheme("310")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the JSON here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
