"""Builds the CSV files of this folder from public lists; run by hand, never by the product.

    python -m yibao.registry.catalogue.data.build FOLDER_OF_SOURCES

Sources (see SOURCE.txt): codes and names, the restrictions of the national "two libraries", the
classes of 260 generics in the NRDL 2024, diagnoses, divisions. Prices, ceilings, self-pay ratios
and all other classes are *invented* here for demonstration, each derived from a hash of the code
or the generic name, so that a rebuild gives the same files. ``demo_*`` columns mark them.
"""

import csv
import hashlib
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
START, CHANGE = "2025-01-01", "2026-01-01"
BEIJING, CHANGSHA = "110000", "430100"
INPATIENT = ("21", "22", "23", "24", "52", "92")
MATERNITY = "510"
RESIDENT = "390"

TERMS_COLUMNS = (
    "code", "valid_from", "valid_until", "area", "level", "scheme", "care_kind", "class",
    "first_pay", "ceiling", "restricted", "demo_class", "demo_terms",
)  # fmt: skip
ITEM_COLUMNS = (
    "code", "name", "list_type", "charge_type", "reference_price", "demo_price", "demo_class",
)  # fmt: skip

# Kind of service by the second pair of digits, then by the third: (charge type, fen from, fen to).
SERVICE_KINDS: dict[str, tuple[str, int, int]] = {
    "1102": ("02", 500, 6000),
    "1103": ("02", 5000, 12000),
    "1109": ("01", 3000, 12000),
    "11": ("14", 500, 10000),
    "1201": ("07", 600, 9000),
    "12": ("05", 500, 6000),
    "13": ("14", 1000, 5000),
    "2102": ("03", 35000, 60000),
    "2103": ("03", 15000, 38000),
    "21": ("03", 1500, 18000),
    "22": ("03", 3000, 22000),
    "23": ("03", 12000, 60000),
    "24": ("05", 8000, 90000),
    "25": ("04", 500, 15000),
    "26": ("04", 1500, 9000),
    "27": ("03", 4000, 20000),
    "31": ("05", 1000, 25000),
    "32": ("06", 80000, 480000),
    "3301": ("06", 3000, 60000),
    "33": ("06", 30000, 380000),
    "34": ("05", 1500, 9000),
    "4": ("05", 1500, 12000),
}
EXAMINATION = re.compile("检查|试验|测定|电图|测听|造影|评定|测查|监测|显像|诱发电位")
INJECTION = re.compile("注射|输注|乳状?液$|滴注")


def spread(key: str, salt: str) -> int:
    """A stable number of 32 bits for ``key``: what stands where chance would."""
    return int.from_bytes(hashlib.sha256(f"{salt}|{key}".encode()).digest()[:4], "big")


def percent(key: str, salt: str) -> int:
    """A stable number 0..99."""
    return spread(key, salt) % 100


def between(key: str, salt: str, low: int, high: int) -> int:
    """A stable number of fen, small ones more often than large ones."""
    unit = spread(key, salt) / 2**32
    return round(low * math.pow(high / low, unit))


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a source CSV."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def write(name: str, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write one CSV of this folder."""
    with (HERE / name).open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)


def yuan(price: int, ten_thousandths: int = 0) -> str:
    """Fen as yuan text, with two more decimals where the price has them."""
    text = f"{price // 100}.{price % 100:02d}"
    return f"{text}{ten_thousandths:02d}" if ten_thousandths else text


class Terms:
    """Collects the terms rows of one item; equal to the general row is not written again."""

    def __init__(self, code: str, *, demo_class: bool) -> None:
        self.code, self.demo_class = code, demo_class
        self.lines: list[tuple[str, ...]] = []

    def add(
        self,
        item_class: str,
        first_pay: int = 0,
        ceiling: str = "",
        *,
        restricted: bool = False,
        start: str = START,
        end: str = "",
        area: str = "",
        level: str = "",
        scheme: str = "",
        care_kind: str = "",
        demo_class: bool | None = None,
    ) -> None:
        """One row; ``first_pay`` in percent. A start that is START is left empty."""
        demo = self.demo_class if demo_class is None else demo_class
        self.lines.append(
            (
                self.code,
                "" if start == START else start,
                end,
                area,
                level,
                scheme,
                care_kind,
                item_class,
                f"0.{first_pay:02d}" if first_pay else "",
                ceiling,
                "1" if restricted else "",
                "1" if demo else "",
                "1" if first_pay or ceiling else "",
            )
        )


# ------------------------------------------------------------------------------------------- drugs


def drug_price(code: str, generic: str) -> tuple[int, int]:
    """Invented price of a pack: the generic sets the magnitude, the code moves it by ±20 %.

    Every twentieth code is priced by the tablet: four decimals, as purchase prices have.
    """
    if INJECTION.search(generic):
        base = between(generic, "price", 1000, 30000)
    elif code.startswith("Z"):
        base = between(generic, "price", 1000, 12000)
    else:
        base = between(generic, "price", 500, 8000)
    price = base * (80 + percent(code, "maker") * 40 // 99) // 100
    if percent(code, "by the tablet") < 5 and not INJECTION.search(generic):
        return max(price // 24, 5), 1 + percent(code, "tablet") % 99
    return price, 0


def drug_class(generic: str, listed: dict[str, str]) -> tuple[str, bool]:
    """Class and whether it was invented: the NRDL 2024 where it is known, else by hash."""
    known = listed.get(generic)
    if known:
        return {"甲": "01", "乙": "02"}[known], False
    draw = percent(generic, "class")
    return ("01" if draw < 15 else "02" if draw < 78 else "03"), True


def drug_terms(
    code: str, generic: str, price: int, limits: dict[str, dict[str, str]], listed: dict[str, str]
) -> Terms:
    """Terms of one drug."""
    item_class, invented = drug_class(generic, listed)
    terms = Terms(code, demo_class=invented)
    first_pay = (5, 10, 10, 10, 10, 10, 20, 30)[spread(generic, "first pay") % 8]
    first_pay = first_pay if item_class == "02" else 0
    limited = any(code in limits[name] for name in ("visit_type", "level", "course"))
    restricted = item_class != "03" and (limited or percent(generic, "restricted") < 3)

    if code in limits["insurance"]:
        add_other_insurance(terms, limits["insurance"].get(generic, ""))
    elif item_class == "03":
        add_own_expense(terms, generic, invented=invented)
    elif code in limits["visit_type"]:
        terms.add("03", demo_class=False)
        for care_kind in INPATIENT:  # paid for inpatients alone
            terms.add(item_class, first_pay, restricted=True, care_kind=care_kind)
    else:
        add_dated(terms, generic, item_class, first_pay, restricted=restricted)
        add_areas(terms, generic, price, item_class, first_pay, restricted=restricted)
        needed = limits["level"].get(generic, "") if code in limits["level"] else ""
        for level in {"二级": ("grass", "l1"), "三级": ("grass", "l1", "l2")}.get(needed, ()):
            # below the level the national rule asks for: nothing is paid
            terms.add("03", level=level, demo_class=False)
    return terms


def add_other_insurance(terms: Terms, insurance: str) -> None:
    """Paid by work-injury or maternity insurance alone: class C to the basic schemes."""
    terms.add("03", demo_class=False)
    if insurance == "生育":
        terms.add("02", 10, scheme=MATERNITY)


def add_own_expense(terms: Terms, generic: str, *, invented: bool) -> None:
    """Class C, some of them listed as class B from the next year on."""
    if invented and percent(generic, "listed") < 6:
        terms.add("03", end=CHANGE)
        terms.add("02", 20, start=CHANGE)
    else:
        terms.add("03")


def add_dated(
    terms: Terms, generic: str, item_class: str, first_pay: int, *, restricted: bool
) -> None:
    """The general row, for some of class B with a lower ratio from the next year on."""
    if first_pay > 5 and percent(generic, "change") < 6:
        terms.add(item_class, first_pay, restricted=restricted, end=CHANGE)
        terms.add(item_class, first_pay - 5, restricted=restricted, start=CHANGE)
    else:
        terms.add(item_class, first_pay, restricted=restricted)


def add_areas(
    terms: Terms, generic: str, price: int, item_class: str, first_pay: int, *, restricted: bool
) -> None:
    """Ceilings and ratios of the two areas, where they differ from the general row."""
    ratio, ceiling = first_pay, ""
    for area in (BEIJING, CHANGSHA):  # Changsha last: its residents' row below builds on it
        ratio, ceiling = first_pay, ""
        if item_class == "02" and percent(generic, f"ratio {area}") < 20:
            ratio = 15 if first_pay == 10 else 10
        if percent(terms.code, f"ceiling {area}") < 25 and price >= 100:
            low, room = (85, 13) if percent(terms.code, f"tight {area}") < 15 else (100, 30)
            factor = low + percent(terms.code, f"room {area}") * room // 99
            ceiling = yuan(price * factor // 100)
        if ceiling or ratio != first_pay:
            terms.add(item_class, ratio, ceiling, restricted=restricted, area=area)
    if item_class == "02" and percent(generic, "resident") < 5:
        # Changsha's residents pay five points more first; the ceiling is the same
        terms.add("02", ratio + 5, ceiling, restricted=restricted, area=CHANGSHA, scheme=RESIDENT)


def read_limits(source: Path) -> dict[str, dict[str, str]]:
    """National limits: both the generic's name and each of its codes lead to the limiting text."""
    limits: dict[str, dict[str, str]] = {}
    for name, file, value in (
        ("insurance", "b3_drug_insutype", "限定对象"),
        ("visit_type", "b4_drug_visit_type", "限定值域"),
        ("level", "b5_drug_hosplevel", "限定值域"),
        ("course", "b6_drug_course", "限定值域"),
    ):
        found = {row["药品通用名"]: row[value] for row in rows(source / f"{file}.csv")}
        for row in rows(source / f"{file}_codes.csv"):
            found[row["国标代码"]] = found.get(row["药品通用名"], "")
        limits[name] = found
    return limits


def drugs(source: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Item rows and terms rows of all drugs."""
    limits = read_limits(source / "two_library_rules")
    listed = {r["generic_name"]: r["class"] for r in rows(source / "nrdl2024_class" / "class.csv")}
    items: list[tuple[str, ...]] = []
    lines: list[tuple[str, ...]] = []
    for row in rows(source / "two_library_rules" / "_all_drug_codes.csv"):
        code, generic = row["code"], row["generic_name"]
        price, rest = drug_price(code, generic)
        terms = drug_terms(code, generic, price, limits, listed)
        charge_type = "11" if code.startswith("Z") else "09"
        demo = "1" if terms.demo_class else ""
        items.append((code, generic, "101", charge_type, yuan(price, rest), "1", demo))
        lines += terms.lines
    return items, lines


# ---------------------------------------------------------------------------------------- services


def service_kind(code: str, name: str) -> tuple[str, int, int]:
    """Charge type and range of the price in fen; provincial codes have the kind two digits on."""
    kind = code[2:6] if code.startswith("00") else code[2:4] + code[4:6]
    for length in (4, 2, 1):
        if kind[:length] in SERVICE_KINDS:
            charge_type, low, high = SERVICE_KINDS[kind[:length]]
            break
    else:
        charge_type, low, high = "14", 1000, 10000
    if charge_type == "05" and EXAMINATION.search(name):
        charge_type = "03"
    return charge_type, low, high


def service_terms(code: str, charge_type: str, price: int) -> Terms:
    """Terms of one service: the price is set by area and by the level of the hospital."""
    terms = Terms(code, demo_class=True)
    draw = percent(code, "class")
    if charge_type in ("02", "04", "07"):
        item_class = "01" if draw < 80 else "02" if draw < 96 else "03"
    else:
        item_class = "01" if draw < 40 else "02" if draw < 90 else "03"
    first_pay = (10, 10, 10, 20)[spread(code, "first pay") % 4] if item_class == "02" else 0
    terms.add(item_class, first_pay)
    if item_class == "03":
        return terms
    for area, factor in ((BEIJING, 110), (CHANGSHA, 100)):
        top = price * factor // 100
        terms.add(item_class, first_pay, yuan(top), area=area)
        for level, part in (("l2", 90), ("l1", 80), ("grass", 75)):
            terms.add(item_class, first_pay, yuan(top * part // 100), area=area, level=level)
    return terms


def services(source: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Item rows and terms rows of all service items."""
    items: list[tuple[str, ...]] = []
    lines: list[tuple[str, ...]] = []
    for row in rows(source / "two_library_rules" / "_all_service_item_codes.csv"):
        code, name = row["code"], row["name"]
        charge_type, low, high = service_kind(code, name)
        price = between(code[:11], "price", low, high)
        price = price if price < 1000 else price // 100 * 100
        terms = service_terms(code, charge_type, price)
        items.append((code, name, "201", charge_type, yuan(price), "1", "1"))
        lines += terms.lines
    return items, lines


def main(source: Path) -> None:
    """Write all files."""
    drug_items, drug_lines = drugs(source)
    service_items, service_lines = services(source)
    write("items.csv", ITEM_COLUMNS, drug_items + service_items)
    write("terms.csv", TERMS_COLUMNS, drug_lines + service_lines)
    diagnoses = rows(source / "opendrg_chs11" / "icd10_yb2_diagnosis.csv")
    write("diagnoses.csv", ("code", "name"), ((row["code"], row["name"]) for row in diagnoses))
    procedures = rows(source / "opendrg_chs11" / "icd9cm3_yb2_procedure.csv")
    write("procedures.csv", ("code", "name"), ((row["code"], row["name"]) for row in procedures))
    groups = rows(source / "opendrg_chs11" / "drg_names.csv")
    write("case_groups.csv", ("code", "name"), ((row["drg"], row["name"]) for row in groups))
    divisions = (
        (row["code"], row["name"])
        for name in ("province", "city", "area")
        for row in rows(source / "admdvs_gb2260" / f"{name}.csv")
    )
    write("divisions.csv", ("code", "name"), sorted(divisions))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
