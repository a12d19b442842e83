"""What brings people to an institution, and what they are billed for (demo data)."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from random import Random

from yibao.kernel.periods import age_on

CONSULTATION = "普通门诊诊查费"
COMMON_SERVICES = ("C—反应蛋白测定(CRP)", "常规心电图检查", "粪便常规", "静脉输液")
"""Ordered now and then whatever the diagnosis is."""

WARD = ("普通病房床位费(三人间)", "住院诊查费", "Ⅱ级护理")
"""Charged for every day of a stay."""
EXAMINATIONS = ("X线计算机体层(CT)平扫", "磁共振平扫", "遥测心电监护")
"""Done as a stay begins."""
OPERATIONS = ("阑尾切除术(单纯性)", "胆囊切除术", "胃肠切开取异物(局部肿瘤切除)")

_CHILD = 14


@dataclass(frozen=True, slots=True)
class Encounter:
    """One reason to come, with the drugs and services that go with it, by catalogue name."""

    diagnosis: str
    name: str
    department: str
    gender: str
    """1 men, 2 women, 0 both."""
    age_from: int
    age_to: int
    weight: int
    drugs: tuple[str, ...]
    services: tuple[str, ...]

    def fits(self, gender: str, age: int) -> bool:
        """Whether a person of this gender and age may come with it."""
        return self.gender in {"0", gender} and self.age_from <= age <= self.age_to


@cache
def encounters() -> tuple[Encounter, ...]:
    """All of them, from the packaged table."""
    text = (files("yibao.sandbox") / "data" / "encounters.csv").read_text(encoding="utf-8")
    return tuple(
        Encounter(
            diagnosis=row["diagnosis"],
            name=row["name"],
            department=row["department"],
            gender=row["gender"],
            age_from=int(row["age_from"]),
            age_to=int(row["age_to"]),
            weight=int(row["weight"]),
            drugs=tuple(filter(None, row["drugs"].split("|"))),
            services=tuple(filter(None, row["services"].split("|"))),
        )
        for row in csv.DictReader(text.splitlines())
    )


def item_names() -> tuple[str, ...]:
    """Every catalogue name that may be billed, without repetition, in a stable order."""
    names = [CONSULTATION, *COMMON_SERVICES, *WARD, *EXAMINATIONS, *OPERATIONS]
    for encounter in encounters():
        names += [*encounter.drugs, *encounter.services]
    return tuple(dict.fromkeys(names))


def drug_names() -> tuple[str, ...]:
    """Every drug that may be billed, without repetition, in a stable order."""
    return tuple(dict.fromkeys(drug for encounter in encounters() for drug in encounter.drugs))


def draw_encounter(random: Random, gender: str, birth_date: date, today: date) -> Encounter:
    """A plausible reason for this person to come; a check-up where nothing else fits."""
    age = age_on(birth_date, today)
    fitting = [encounter for encounter in encounters() if encounter.fits(gender, age)]
    if not fitting:
        return CHILD_CHECKUP if age < _CHILD else CHECKUP
    return random.choices(fitting, [encounter.weight for encounter in fitting])[0]


CHECKUP = Encounter(
    "Z00.000", "一般性医学检查", "全科", "0", 0, 120, 1, (), ("葡萄糖测定", "常规心电图检查")
)
CHILD_CHECKUP = Encounter(
    "Z00.100", "儿童常规健康检查", "儿科", "0", 0, 13, 1, (), ("普通视力检查",)
)
