"""Builds ``limits.csv`` of this folder from public lists; run by hand, never by the product.

    python -m yibao.supervision.data.build FOLDER_OF_SOURCES

The sources are the tables of the national "two libraries" (see SOURCE.txt).
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = ("rule", "name", "limit", "basis", "codes")
LONGEST_BASIS = 200
EMERGENCY = "急诊"

DRUGS = (("A01", "b1_drug_sex"), ("A03", "b1_drug_age"), ("A06", "b3_drug_insutype"),
         ("A07", "b5_drug_hosplevel"), ("A08", "b4_drug_visit_type"))  # fmt: skip
"""Drugs: one table of generics, one of their codes."""

Row = tuple[str, str, str, str, str]


def limits(folder: Path) -> Iterator[Row]:
    """All limits in the order of the rules, then of the sources."""
    for rule, table in DRUGS:
        codes = defaultdict(list)
        for name, _, code, *_ in rows(folder, f"{table}_codes"):
            codes[name].append(code)
        for name, basis, _, limit in rows(folder, table):
            if rule == "A08" and EMERGENCY in basis:
                limit = f"{limit}、{EMERGENCY}"
            yield rule, name, limit, basis[:LONGEST_BASIS], " ".join(sorted(set(codes[name])))
    for name, basis, code, _, limit in rows(folder, "b1_item_sex"):
        yield "A02", name, limit, basis[:LONGEST_BASIS], code
    for name, code, _, limit in rows(folder, "b1_item_age"):
        yield "A04", name, limit, "", code
    for _, name, basis, code in rows(folder, "b8_item_age"):
        yield "A05", name, "就业年龄", basis, code


def rows(folder: Path, table: str) -> Iterator[list[str]]:
    """The rows of a source below its header."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        next(reader)
        for row in reader:
            yield [cell.strip() for cell in row]


def main(folder: Path) -> None:
    """Write ``limits.csv``."""
    with (HERE / "limits.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(COLUMNS)
        ordered = sorted(limits(folder), key=itemgetter(0))
        writer.writerows(ordered)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
