"""What institutions declare for members (待遇申报), and what is kept of it."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from yibao.kernel.areas import Division
from yibao.kernel.frozen import Frozen
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period, day_after
from yibao.policy.terms import Scheme


class DeclarationKind(StrEnum):
    """What was declared."""

    TRANSFER = "transfer"
    """转院备案 (2501)."""
    DISEASE = "disease"
    """人员慢特病备案 (2503)."""
    DESIGNATION = "designation"
    """人员定点备案 (2505)."""
    INJURY = "injury"
    """人员意外伤害备案 (2507)."""


class Declare(Frozen, kw_only=True):
    """What every declaration says."""

    institution: str
    """The institution that declares."""
    member: str
    begin: date
    """First day on which it holds."""
    end: date | None
    """Last day on which it holds; None: until further notice."""
    details: Mapping[str, Any]
    """Further fields as sent, by their official names; plain JSON."""
    contact: Mapping[str, str]
    """Telephones, addresses, agent: kept encrypted."""
    agent_checked: bool = False
    """An agent (代办人) whom ``contact`` names must be one who may file for the member."""

    @property
    def period(self) -> Period:
        """The days on which it holds, half-open."""
        return Period(self.begin, None if self.end is None else day_after(self.end))


class DeclareTransfer(Declare, kw_only=True):
    """The member is referred to another hospital (转诊转院)."""

    scheme: Scheme | None
    """None: whatever the member is enrolled in."""
    referred_on: date
    diagnosis: str
    receiving: str | None
    """Institution the member is sent to; it may be of another platform."""
    place: Division | None
    """Where that one stands; None: where our directory says."""
    outside_province: bool | None = None
    """What the kind of referral (转院类型) says of the place; None: nothing."""


class DeclareDisease(Declare, kw_only=True):
    """A chronic or special disease of the member is put on file (门诊慢特病)."""

    scheme: Scheme
    code: str
    name: str
    identified_on: date | None
    """Day on which a hospital identified it (医院鉴定日期)."""


class DeclareChoice(Declare, kw_only=True):
    """The member chooses an institution (定点)."""

    designated: str
    business: str
    """``biz_appy_type``: what it is chosen for."""
    order: int
    """Place among the institutions chosen for that (定点排序号), from 1."""


class DeclareInjury(Declare, kw_only=True):
    """The member was injured by accident (意外伤害)."""

    scheme: Scheme | None
    injured_at: datetime
    """Aware UTC."""


class WithdrawDeclaration(Frozen):
    """A declaration is taken back, as if it had not been made."""

    institution: str
    member: str
    kind: DeclarationKind
    key: PoolKey
    memo: str | None


class Declaration(Frozen):
    """A declaration as it stands."""

    key: PoolKey
    """Its text is the serial number (待遇申报明细流水号, ``trt_dcla_detl_sn``)."""
    kind: DeclarationKind
    institution: str
    member: str
    occurred_on: date
    """Day of the referral, identification or injury; of a choice, its first day."""
    period: Period
    details: Mapping[str, Any]
    contact: Mapping[str, str]
    declared_at: datetime
    withdrawn_at: datetime | None
