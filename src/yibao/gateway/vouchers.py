"""Whose voucher (就诊凭证) is shown: e-credential, identity card or social-security card; and 1162.

A voucher is looked up here and judged inside the command that it is shown for: a message that comes
again after its token has expired is still answered with what it did.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.reading import Row
from yibao.gateway.writing import day as written_day
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.credentials import service as credentials
from yibao.registry.credentials.model import DecodeCode, Holder, TokenFacts
from yibao.registry.people.model import Insured
from yibao.registry.people.service import find_by_document, find_by_identity

if TYPE_CHECKING:
    from asyncpg import Connection

IDENTITY_CARD = "01"
"""``psn_cert_type`` of the resident identity card."""
BY_IDENTITY_CARD = "02"
"""``mdtrt_cert_type``: the identity card was shown."""
BY_CARD = "03"
"""The social-security card."""
BY_TOKEN = frozenset({"01", "04", "05"})
"""The e-credential: decoded before, scanned at a terminal, or asked for by a face (终端扫脸)."""


def voucher_type(row: Row) -> str:
    """``mdtrt_cert_type`` in two digits; refused when it is none that we know."""
    kind: str = row["mdtrt_cert_type"].zfill(2)
    if kind != BY_IDENTITY_CARD and kind != BY_CARD and kind not in BY_TOKEN:
        raise Refused(
            RefusalCode.VOUCHER_NOT_SUPPORTED,
            f"mdtrt_cert_type（就诊凭证类型）{kind} 暂不支持，"
            "请使用01（医保电子凭证）、02（居民身份证）或03（社会保障卡）",
            "mdtrt_cert_type",
        )
    return kind


async def voucher_holder(call: Call, row: Row) -> str | None:
    """Document number of whom the row's token or card belongs to.

    None where the voucher is the document itself or is not repeated, and where it is nobody's or
    no longer good: then the command refuses it.
    """
    kind, number = voucher_type(row), row.get("mdtrt_cert_no")
    if kind == BY_IDENTITY_CARD or number is None:
        return None
    async with call.context.database.reader([call.institution.code]) as connection:
        holder = await _holder(call, connection, kind, number, row.get("card_sn"))
        if holder is None or not holder.valid:
            return None
        found = await find_by_identity(connection, call.context.vault, holder.identity)
    return found[0].identity.document_number if found else None


async def members_shown(call: Call, connection: "Connection[Any]", row: Row) -> list[Insured]:
    """All memberships of the person whose good voucher is shown; Refused when there is none."""
    kind = voucher_type(row)
    if kind == BY_IDENTITY_CARD:
        found = await find_by_document(connection, call.context.vault, *_document(row))
    else:
        holder = await _shown_holder(call, connection, kind, row)
        if not holder.valid:
            raise _invalid()
        found = await find_by_identity(connection, call.context.vault, holder.identity)
        _check_document(row, found)
    if not found:
        raise _nobody()
    return found


async def member_shown(call: Call, row: Row, scheme: str | None, day: date) -> Insured:
    """The one membership that a caller means who names no person number.

    An expired token still names its holder here: the command it is shown for judges it.
    """
    kind = voucher_type(row)
    async with call.context.database.reader([call.institution.code]) as connection:
        if kind == BY_IDENTITY_CARD:
            found = await members_shown(call, connection, row)
        else:
            holder = await _shown_holder(call, connection, kind, row)
            found = await find_by_identity(connection, call.context.vault, holder.identity)
    if not found:
        raise _nobody()
    return meant(call, found, day, scheme)


def meant(call: Call, members: Sequence[Insured], day: date, scheme: str | None = None) -> Insured:
    """Of a person's memberships the one a caller means: insured on the day, here, lately."""

    def distance(member: Insured) -> tuple[bool, bool, int]:
        insured = any(
            enrolment.period.holds(day) and scheme in (None, enrolment.scheme)
            for enrolment in member.enrolments
        )
        here = member.membership.pool == call.institution.home_pool
        return (not insured, not here, -member.membership.period.start.toordinal())

    return min(members, key=distance)


async def _shown_holder(call: Call, connection: "Connection[Any]", kind: str, row: Row) -> Holder:
    number, serial = row.get("mdtrt_cert_no"), row.get("card_sn")
    if number is None:
        raise missing("mdtrt_cert_no", "就诊凭证编号")
    if kind == BY_CARD and serial is None:
        raise missing("card_sn", "卡识别码")
    holder = await _holder(call, connection, kind, number, serial)
    if holder is None:
        raise _invalid()
    return holder


async def _holder(
    call: Call, connection: "Connection[Any]", kind: str, number: str, serial: str | None
) -> Holder | None:
    vault = call.context.vault
    if kind == BY_CARD:
        return await credentials.holder_of_card(connection, vault, number, serial, day=call.day)
    return await credentials.holder_of_token(
        connection, vault, call.institution.code, number, now=call.received
    )


def _document(row: Row) -> tuple[str, str]:
    """Type and number of the document that is the voucher."""
    if "certno" in row and "mdtrt_cert_no" not in row:
        return row.get("psn_cert_type", IDENTITY_CARD), row["certno"].upper()
    if "mdtrt_cert_no" not in row:
        raise missing("mdtrt_cert_no", "就诊凭证编号")
    shown = row["mdtrt_cert_no"].upper()
    by_card = row.get("psn_cert_type", IDENTITY_CARD) == IDENTITY_CARD
    if by_card and row.get("certno", shown).upper() != shown:
        raise _another_person()
    return IDENTITY_CARD, shown


def _check_document(row: Row, found: Sequence[Insured]) -> None:
    """A document named beside a token or card must be the holder's."""
    if "certno" in row and found:
        identity = found[0].identity
        if identity.document_number.upper() != row["certno"].upper():
            raise _another_person()


def _another_person() -> Refused:
    return Refused(
        RefusalCode.PERSON_DIFFERS,
        "certno（证件号码）与 mdtrt_cert_no（就诊凭证编号）不是同一人",
        "certno",
    )


def _invalid() -> Refused:
    return Refused(
        RefusalCode.VOUCHER_INVALID,
        "mdtrt_cert_no（就诊凭证编号）无效、已过期或已停用，请重新出示凭证",
        "mdtrt_cert_no",
    )


def _nobody() -> Refused:
    return Refused(RefusalCode.PERSON_UNKNOWN, "就诊凭证对应的人员不存在或未参保", "mdtrt_cert_no")


# ------------------------------------------------------------------------------------------- 1162


@transaction("1162")
async def decode_code(call: Call) -> Any:
    """A token for the QR code that the person's telephone shows (电子凭证二维码解码)."""
    code = call.input["data"].get("ecQrCode")
    if code is None:
        raise missing("data.ecQrCode", "电子凭证二维码")

    async def recall(remembered: Mapping[str, Any]) -> TokenFacts:
        return credentials.recall_token(call.context.vault, remembered)

    facts: TokenFacts = await call.perform(
        NO_PERSON_POOL,
        call.institution.code,
        DecodeCode(call.institution.code, code),
        recall,
    )
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await find_by_identity(connection, call.context.vault, facts.identity)
    member = meant(call, found, call.day)
    # The table knows the token alone; clients of the credential's own service read the rest.
    return {
        "data": {
            "cardno": None,
            "card_sn": None,
            "ecToken": facts.token,
            "userName": member.identity.name,
            "idType": member.identity.document_type,
            "idNo": member.identity.document_number,
            "gender": member.identity.gender,
            "birthday": written_day(member.identity.birth_date),
            "insuOrg": _division(member, call.day),
        }
    }


def _division(member: Insured, day: date) -> str:
    enrolments = [e for e in member.enrolments if e.period.holds(day)] or list(member.enrolments)
    return enrolments[0].division if enrolments else member.membership.pool
