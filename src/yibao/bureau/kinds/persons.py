"""Changes of what is known of persons: who they are, enrolment, entitlement, identities, filings.

A change that reaches back tells in its result which bills would come out otherwise now; they are
settled anew by business of their own (``corrections``).
"""

from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from typing import Any

from yibao.bureau import affected, fields
from yibao.bureau.model import Execute, Field, Kind, Office, Proposal
from yibao.kernel.areas import Division
from yibao.kernel.periods import Period, day_after
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import EntitlementExtent, Filing, IdentityKind, PersonType, Scheme
from yibao.registry.filings import service as filings
from yibao.registry.people import service as people
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.bulk.service import Change
from yibao.registry.people.model import (
    DesignatedInstitution,
    Enrolment,
    Entitlement,
    FiledCare,
    FiledDisease,
    Insured,
    NewMembership,
    NewPerson,
    SpecialIdentity,
)

Content = Mapping[str, Any]
Told = Mapping[str, Any]
ChangeMember = Callable[[Unit, Office, Content], Coroutine[Any, Any, None]]

GENDERS = {"1": "男", "2": "女", "9": "未说明"}
EXTENTS = {"full": "享受", "account_only": "仅个人账户", "none": "不享受"}
CARE = {
    "long_term": "长期居住",
    "transfer": "转诊转院",
    "emergency": "急诊抢救",
    "temporary": "临时外出",
}

POOL = Field("pool", "统筹区", fields.pool)
MEMBER = Field("member", "人员编号", fields.text)
FROM = Field("from", "起始日期", fields.day)
UNTIL = Field("until", "终止日期（含）", fields.day, required=False)
_SCHEME = Field("scheme", "险种", fields.text)
_NAME = Field("name", "姓名", fields.text)
_GENDER = Field("gender", "性别", fields.one_of(GENDERS))
_BIRTH = Field("birth_date", "出生日期", fields.day)
_DOCUMENT = (
    Field("document_type", "证件类型", fields.text),
    Field("document_number", "证件号码", fields.text),
)
_ENROLMENT = (
    _SCHEME,
    Field("division", "参保地", fields.text),
    Field("person_type", "人员类别", fields.text),
    FROM,
    UNTIL,
    Field("employer", "单位", fields.text, required=False),
    Field("civil_servant", "公务员", fields.yes_or_no, required=False),
    Field("retired_on", "退休日期", fields.day, required=False),
)


def day_of(content: Content, name: str) -> date:
    """A day of the content."""
    return date.fromisoformat(content[name])


def period_of(content: Content) -> Period:
    """``from`` and ``until``, its last day. Refused when they are the wrong way round."""
    start = day_of(content, "from")
    if "until" not in content:
        return Period(start)
    last = day_of(content, "until")
    if last < start:
        raise Refused(RefusalCode.FIELD_INVALID, "终止日期早于起始日期", "until")
    return Period(start, day_after(last))


def _enrolment(content: Content) -> Enrolment:
    return Enrolment(
        scheme=Scheme(content["scheme"]),
        division=Division(content["division"]),
        person_type=PersonType(content["person_type"]),
        period=period_of(content),
        employer=content.get("employer"),
        civil_servant=bool(content.get("civil_servant")),
        retired_on=day_of(content, "retired_on") if "retired_on" in content else None,
    )


async def _insured(unit: Unit, office: Office, content: Content) -> Insured:
    found = await people.load_members(unit.connection, office.vault, unit.pool, [content["member"]])
    if content["member"] not in found:
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {content['member']} 不存在", "member")
    return found[content["member"]]


# --------------------------------------------------------------------------------------- admitting


async def _admit(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    enrolment = _enrolment(content)
    number = content.get("number")
    person = NewPerson(
        content["document_type"],
        content["document_number"],
        content["name"],
        content["gender"],
        day_of(content, "birth_date"),
        (
            NewMembership(
                unit.pool, enrolment.period, (enrolment,), number,
                foreign=number is not None and not number.startswith(unit.pool),
            ),
        ),
    )  # fmt: skip
    (against,) = await bulk.objections(unit.connection, office.vault, [person])
    if against is not None:
        raise Refused(against.code, against.message, against.field)
    (admitted,) = await people.admit(unit.connection, office.vault, [person], now=unit.now)
    return {"member": admitted.memberships[0].number}


# -------------------------------------------------------------------------------- the human behind


async def _correct(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    known = (await _insured(unit, office, content)).identity
    number = content.get("document_number", known.document_number)
    kind = content.get("document_type", known.document_type)
    if (kind, number) != (known.document_type, known.document_number):
        others = await people.find_by_document(unit.connection, office.vault, kind, number)
        if any(other.identity.id != known.id for other in others):
            raise Refused(RefusalCode.PERSON_DIFFERS, "该证件号码已登记为他人", "document_number")
    birth = content.get("birth_date")
    await people.correct_document(
        unit.connection,
        office.vault,
        known.id,
        document_type=kind,
        document_number=number,
        name=content.get("name", known.name),
        gender=content.get("gender", known.gender),
        birth_date=known.birth_date if birth is None else date.fromisoformat(birth),
        now=unit.now,
    )
    return await affected.of_human(unit, office, known.id, date.min)


async def _death(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    identity = (await _insured(unit, office, content)).identity
    died_on = day_of(content, "died_on")
    if died_on > unit.day:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, "死亡日期晚于今天", "died_on")
    await people.record_death(unit.connection, identity.id, died_on, now=unit.now)
    return await affected.of_human(unit, office, identity.id, died_on)


async def _grant(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    identity = (await _insured(unit, office, content)).identity
    special = SpecialIdentity(
        IdentityKind(content["identity"]),
        content.get("level"),
        period_of(content),
        content.get("note"),
    )
    await people.grant_special_identity(unit.connection, identity.id, special, now=unit.now)
    return await affected.of_human(unit, office, identity.id, special.period.start)


async def _end_identity(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
    identity = (await _insured(unit, office, content)).identity
    start = day_of(content, "from")
    await people.end_special_identity(
        unit.connection, identity.id, IdentityKind(content["identity"]), start, now=unit.now
    )
    return await affected.of_human(unit, office, identity.id, start)


# -------------------------------------------------------------------------------------- the member


def _of_member(change: ChangeMember) -> Execute:
    """Carries out a change of a member and tells which bills it touches."""

    async def execute(unit: Unit, office: Office, content: Content, _proposal: Proposal) -> Told:
        await _insured(unit, office, content)
        await change(unit, office, content)
        return await affected.of_member(unit, office, content["member"], day_of(content, "from"))

    return execute


async def _enrol(unit: Unit, _office: Office, content: Content) -> None:
    await people.enrol(
        unit.connection, unit.pool, content["member"], _enrolment(content), now=unit.now
    )


async def _end_enrolment(unit: Unit, _office: Office, content: Content) -> None:
    await bulk.end_enrolment(
        unit.connection,
        unit.pool,
        content["member"],
        Scheme(content["scheme"]),
        day_of(content, "from"),
        content.get("why", "停保"),
        now=unit.now,
    )


async def _change_type(unit: Unit, _office: Office, content: Content) -> None:
    retired = day_of(content, "retired_on") if "retired_on" in content else None
    await people.change_person_type(
        unit.connection,
        unit.pool,
        content["member"],
        Scheme(content["scheme"]),
        PersonType(content["person_type"]),
        day_of(content, "from"),
        retired_on=retired,
        now=unit.now,
    )


async def _entitle(unit: Unit, _office: Office, content: Content) -> None:
    entitlement = Entitlement(
        Scheme(content["scheme"]),
        EntitlementExtent(content["extent"]),
        period_of(content),
        content["why"],
    )
    await people.set_entitlement(
        unit.connection, unit.pool, content["member"], entitlement, now=unit.now
    )


async def _file_care(unit: Unit, _office: Office, content: Content) -> None:
    place = content.get("place")
    filed = FiledCare(
        Filing(content["care"]),
        period_of(content),
        None if place is None else Division(place),
        content.get("institution"),
    )
    await filings.file_care(unit.connection, unit.pool, content["member"], filed, now=unit.now)


async def _file_disease(unit: Unit, _office: Office, content: Content) -> None:
    filed = FiledDisease(
        content["code"], content["name"], period_of(content), content.get("institution")
    )
    change = Change(content["member"], filed)
    await bulk.file(unit.connection, unit.pool, [change], now=unit.now)


async def _choose(unit: Unit, office: Office, content: Content) -> None:
    reference = await office.references.current(unit.connection)
    if reference.directory.institution(content["institution"]) is None:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN,
            f"定点医药机构 {content['institution']} 不存在",
            "institution",
        )
    chosen = DesignatedInstitution(
        content["institution"], content["business"], content.get("order", 1), period_of(content)
    )
    change = Change(content["member"], chosen)
    await bulk.file(unit.connection, unit.pool, [change], now=unit.now)


def _kind(name: str, title: str, execute: Execute, *own: Field) -> Kind:
    return Kind(f"persons.{name}", title, (POOL, *own), execute, fields.pool_named)


_INSTITUTION = Field("institution", "医药机构编号", fields.text, required=False)

KINDS: tuple[Kind, ...] = (
    _kind(
        "admit", "参保登记", _admit, *_DOCUMENT, _NAME, _GENDER, _BIRTH, *_ENROLMENT,
        Field("number", "原人员编号", fields.text, required=False),
    ),
    _kind(
        "correct", "更正人员信息", _correct, MEMBER,
        *(Field(f.name, f.title, f.parse, required=False)
          for f in (*_DOCUMENT, _NAME, _GENDER, _BIRTH)),
    ),
    _kind("death", "死亡登记", _death, MEMBER, Field("died_on", "死亡日期", fields.day)),
    _kind("enrol", "参保", _of_member(_enrol), MEMBER, *_ENROLMENT),
    _kind(
        "end_enrolment", "停保", _of_member(_end_enrolment), MEMBER, _SCHEME, FROM,
        Field("why", "停保原因", fields.text, required=False),
    ),
    _kind(
        "change_type", "变更人员类别", _of_member(_change_type), MEMBER, _SCHEME,
        Field("person_type", "人员类别", fields.text), FROM,
        Field("retired_on", "退休日期", fields.day, required=False),
    ),
    _kind(
        "entitle", "变更待遇", _of_member(_entitle), MEMBER, _SCHEME,
        Field("extent", "待遇", fields.one_of(EXTENTS)), FROM, UNTIL,
        Field("why", "待遇原因", fields.text),
    ),
    _kind(
        "grant_identity", "认定特殊身份", _grant, MEMBER,
        Field("identity", "人员身份类别", fields.text),
        Field("level", "人员身份等级", fields.text, required=False), FROM, UNTIL,
        Field("note", "备注", fields.text, required=False),
    ),
    _kind(
        "end_identity", "终止特殊身份", _end_identity, MEMBER,
        Field("identity", "人员身份类别", fields.text), FROM,
    ),
    _kind(
        "file_care", "异地就医备案", _of_member(_file_care), MEMBER,
        Field("care", "备案类型", fields.one_of(CARE)),
        Field("place", "就医地", fields.text, required=False), _INSTITUTION, FROM, UNTIL,
    ),
    _kind(
        "file_disease", "门诊慢特病备案", _of_member(_file_disease), MEMBER,
        Field("code", "病种代码", fields.text), Field("name", "病种名称", fields.text),
        _INSTITUTION, FROM, UNTIL,
    ),
    _kind(
        "choose_institution", "定点备案", _of_member(_choose), MEMBER,
        Field("institution", "医药机构编号", fields.text),
        Field("business", "业务类型", fields.text),
        Field("order", "定点排序号", fields.whole_number, required=False), FROM, UNTIL,
    ),
)  # fmt: skip
