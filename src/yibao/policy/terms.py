"""The words the law is written in: schemes, kinds of care, levels, person types, item classes.

Codes are the national ones (``dictionaries`` of the interface), because laws and bills meet
on them; provinces extend the open ones, so those are text with constants rather than closed enums.
"""

from enum import StrEnum
from typing import NewType

Scheme = NewType("Scheme", str)
"""Insurance type (险种, ``insutype``): 310 employee, 390 resident, 320 civil servants, …"""

EMPLOYEE = Scheme("310")
RESIDENT = Scheme("390")

CareKind = NewType("CareKind", str)
"""Kind of care (医疗类别, ``med_type``): 11 general outpatient, 21 general inpatient, …"""

GENERAL_OUTPATIENT = CareKind("11")
GENERAL_INPATIENT = CareKind("21")

PersonType = NewType("PersonType", str)
"""Person type (人员类别, ``psn_type``), two to six digits: 11xx active, 12xx retired, 14xx minor,
15xx adult resident, 16xx elderly resident."""

IdentityKind = NewType("IdentityKind", str)
"""Special identity (人员身份类别, ``psn_idet_type``): 2303 minimum-living allowance, …"""


class ItemClass(StrEnum):
    """Benefit class of a charged item (收费项目等级, ``chrgitm_lv``)."""

    A = "01"
    """甲类: in scope whole."""
    B = "02"
    """乙类: a first self-pay share, then in scope."""
    C = "03"
    """丙类 (自费): own expense whole."""


class Level(StrEnum):
    """Benefit level of an institution (医院等级), as the areas' laws cut it."""

    GRASS_ROOTS = "grass"
    """基层: community centres, township hospitals."""
    FIRST = "l1"
    SECOND = "l2"
    THIRD = "l3"
    PROVINCIAL = "prov"
    """省部属: tertiary hospitals that a province puts above the others."""


class Place(StrEnum):
    """Where care is given, seen from the place of insurance (就医地)."""

    LOCAL = "local"
    """Inside the pooling area (统筹区内)."""
    PROVINCE = "province"
    """Elsewhere in the province (省内异地)."""
    OUTSIDE = "outside"
    """Outside the province (跨省异地)."""


class Filing(StrEnum):
    """What is on file for care away from home (异地就医备案)."""

    NONE = "none"
    """Nothing: care at home needs none; away from home it is unfiled (未备案)."""
    LONG_TERM = "long_term"
    """长期居住: settled, working or retired elsewhere."""
    TRANSFER = "transfer"
    """转诊转院."""
    EMERGENCY = "emergency"
    """急诊抢救: counts as filed."""
    TEMPORARY = "temporary"
    """其他临时外出."""


class EntitlementExtent(StrEnum):
    """What a person may use of a scheme on a day (待遇享受)."""

    FULL = "full"
    ACCOUNT_ONLY = "account_only"
    NONE = "none"
