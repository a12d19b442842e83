"""A practitioner as an institution employs one."""

from enum import StrEnum

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period


class PractitionerKind(StrEnum):
    """执业人员分类 (``prac_psn_type``); the values are inferred: no source lists them."""

    DOCTOR = "1"
    NURSE = "2"
    PHARMACIST = "3"
    TECHNICIAN = "4"


class Practitioner(Frozen):
    """A doctor, nurse, pharmacist or technician (医执人员) at an institution, in a period."""

    code: str
    """National code (``prac_psn_code``)."""
    kind: PractitionerKind
    name: str
    document_type: str
    document_number: str
    period: Period
    contracted: bool = True
    """May treat insured persons (医保医师, ``hi_dr_flag``)."""
    own_number: str | None = None
    """The institution's own number (自编号)."""
    qualification: str | None = None
    """Number of the certificate of qualification (资格证书编码)."""
    licence: str | None = None
    """Number of the licence to practise (执业证书编号)."""
    change_reason: str | None = None
