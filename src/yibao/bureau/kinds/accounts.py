"""Personal accounts and links between relatives by a clerk.

Freezing, closing, inheritance, a move, a correction; who pays for whom, who acts for whom.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.accounts.events import service as events
from yibao.accounts.events.model import Heir, Transfer
from yibao.accounts.family import service as family
from yibao.accounts.family.model import NewLink, PremiumFromFamily
from yibao.accounts.family.premium_refunds import give_back_premium
from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, yuan
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import Scheme
from yibao.registry.people import service as people
from yibao.registry.representatives import service as representatives
from yibao.registry.representatives.model import Act, NewRepresentation, RepresentativeKind

Content = Mapping[str, Any]

# ------------------------------------------------------------------------------ accounts


async def _freeze(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    await events.freeze(unit, content["member"], proposal.reason)
    return {"member": content["member"], "state": "frozen"}


async def _release(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    await events.release(unit, content["member"], proposal.reason)
    return {"member": content["member"], "state": "open"}


async def _close(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    pay_out = content.get("pay_out", False)
    owed = await events.close(unit, content["member"], proposal.reason, pay_out=pay_out)
    return {"member": content["member"], "state": "closed", "owed": yuan(owed)}


async def _inherit(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Content:
    heirs = [
        Heir(row["member"], fields.fen(row["amount"]), row.get("into_account", True))
        for row in content["heirs"]
    ]
    member = content["member"]
    paid = await events.inherit(unit, office.vault, member, heirs, proposal.reason)
    return {"member": member, "state": "closed", "inherited": yuan(paid)}


async def _correct(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    member, amount = content["member"], fields.fen(content["amount"])
    await events.correct(unit, member, content["part"], amount, proposal.reason)
    return {"member": member, "part": content["part"], "amount": yuan(amount)}


async def _move_out(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    sent = await events.move_out(
        unit,
        content["member"],
        proposal.key.text(),
        Pool(content["to_pool"]),
        content["to_member"],
        proposal.reason,
    )
    return {"transfer": sent.id, "amount": yuan(sent.amount), "to_pool": sent.other_pool}


async def _move_in(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Content:
    origin, sent = await _sent(unit, content)
    arrived = await events.move_in(unit, office.vault, origin, sent, proposal.reason)
    return {"transfer": arrived.id, "member": arrived.member, "amount": yuan(arrived.amount)}


async def _move_back(unit: Unit, _: Office, content: Content, __: Proposal) -> Content:
    origin, sent = await _sent(unit, content)
    await events.decline(unit, origin, sent)
    return {"transfer": sent.id, "amount": yuan(sent.amount), "back_to_pool": origin}


async def _sent(unit: Unit, content: Content) -> tuple[Pool, Transfer]:
    """A balance on its way, with the pool it left."""
    transfer = fields.read_key(content["transfer"])
    sent = await events.sent(unit.connection, transfer.pool, transfer.text())
    if sent is None:
        raise Refused(
            RefusalCode.ACCOUNT_UNKNOWN, f"没有编号为 {transfer.text()} 的转出", "transfer"
        )
    return transfer.pool, sent


# ------------------------------------------------------------------------------ who pays for whom


async def _let_pay(unit: Unit, office: Office, content: Content, _: Proposal) -> Content:
    laws = (await office.references.current(unit.connection)).laws
    new = NewLink(
        owner=content["owner"],
        relative=content["relative"],
        relative_pool=Pool(content.get("relative_pool", unit.pool)),
        relation=content["relation"],
        consent_how=content["consent"],
        consent_by_owner=content["owner_agreed"],
        origins=tuple(content.get("origins", ())),
        start=_day(content.get("from")),
        end=_day(content.get("until")),
        place=content.get("place"),
        bill_limit=_fen(content.get("bill_limit")),
        year_limit=_fen(content.get("year_limit")),
    )
    made = await family.let_pay(unit, office.vault, laws, new)
    return {"link": made.number, "place": made.place}


async def _withdraw(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    ended = await family.withdraw(unit, content["link"], proposal.reason)
    return {"link": ended.number, "until": str(ended.period.end)}


async def _pay_premium(unit: Unit, office: Office, content: Content, _: Proposal) -> Content:
    laws = (await office.references.current(unit.connection)).laws
    wanted = PremiumFromFamily(
        content["link"],
        content["relative"],
        Scheme(content["scheme"]),
        Period(date.fromisoformat(content["from"]), date.fromisoformat(content["until"])),
        fields.fen(content["amount"]),
    )
    paid = await family.pay_premium(unit, office.vault, laws, wanted)
    premium = PoolKey(unit.pool, paid.posting).text()
    return {"premium": premium, "parts": {part: yuan(amount) for part, amount in paid.parts}}


async def _give_back(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Content:
    laws = (await office.references.current(unit.connection)).laws
    premium = fields.read_key(content["premium"])
    back = await give_back_premium(unit, office.vault, laws, premium, proposal.reason)
    return {"premium": premium.text(), "to": {account: yuan(amount) for account, amount in back}}


# ------------------------------------------------------------------------------ who acts for whom


async def _represent(unit: Unit, office: Office, content: Content, _: Proposal) -> Content:
    numbers = [content[name] for name in ("represented", "representative", "consented_by")]
    known = await people.load_members(unit.connection, office.vault, unit.pool, numbers)
    for number in numbers:
        if number not in known:
            raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在", "represented")
    represented, representative, agreed = (known[number].identity.id for number in numbers)
    made = await representatives.name(
        unit.connection,
        NewRepresentation(
            represented,
            representative,
            RepresentativeKind(content["role"]),
            tuple(Act(act) for act in content["acts"]),
            Period(_day(content.get("from")) or unit.day, _day(content.get("until"))),
            agreed,
            {"how": content["consent"], "at": unit.now.isoformat()},
        ),
        now=unit.now,
    )
    return {"representation": made.number}


async def _stop_acting(unit: Unit, _: Office, content: Content, proposal: Proposal) -> Content:
    told = {"reason": proposal.reason, "at": unit.now.isoformat()}
    ended = await representatives.end(
        unit.connection, content["representation"], unit.day, told, unit.now
    )
    return {"representation": ended.number, "until": str(ended.period.end)}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _part(value: str) -> str:
    """Year and origin, as `yibao accounts show` has them: 2026:current."""
    return fields.text(value)


def _relation(value: str) -> str:
    """As the law lists it: spouse, parent, child …"""
    return fields.text(value)


def _fen(text: str | None) -> Fen | None:
    return None if text is None else fields.fen(text)


def _acts(value: str) -> list[str]:
    """Some of show_code, inquire, file, joined by commas."""
    known = {act.value for act in Act}
    if wrong := [word for word in fields.words(value) if word not in known]:
        raise ValueError(f"只能是 {'、'.join(sorted(known))}，不能是 {'、'.join(wrong)}")
    return fields.words(value)


_KINDS_OF_REPRESENTATIVES = {
    RepresentativeKind.RELATIVE.value: "亲属",
    RepresentativeKind.GUARDIAN.value: "监护人",
    RepresentativeKind.AGENT.value: "代办人",
}
_POOL = Field("pool", "统筹区", fields.pool)
_MEMBER = Field("member", "人员编号", fields.text)
_FROM = Field("from", "生效日期", fields.day, required=False)
_UNTIL = Field("until", "终止日期（不含）", fields.day, required=False)
_CONSENT = Field("consent", "同意方式", fields.text)
_HEIR = (
    Field("member", "继承人人员编号", fields.text),
    Field("amount", "金额", fields.positive_amount),
    Field("into_account", "划入其个人账户", fields.yes_or_no, required=False),
)

KINDS: tuple[Kind, ...] = (
    Kind("accounts.freeze", "个人账户冻结", (_POOL, _MEMBER), _freeze, fields.pool_named),
    Kind("accounts.release", "个人账户解冻", (_POOL, _MEMBER), _release, fields.pool_named),
    Kind(
        "accounts.close",
        "个人账户注销",
        (_POOL, _MEMBER, Field("pay_out", "余额清退", fields.yes_or_no, required=False)),
        _close,
        fields.pool_named,
    ),
    Kind(
        "accounts.inherit",
        "个人账户继承",
        (_POOL, _MEMBER, Field("heirs", "继承人", fields.rows(_HEIR))),
        _inherit,
        fields.pool_named,
    ),
    Kind(
        "accounts.correct",
        "个人账户更正",
        (
            _POOL,
            _MEMBER,
            Field("part", "账户部分", _part),
            Field("amount", "金额（可为负）", fields.amount),
        ),
        _correct,
        fields.pool_named,
    ),
    Kind(
        "accounts.move_out",
        "个人账户转出",
        (
            _POOL,
            _MEMBER,
            Field("to_pool", "转入统筹区", fields.pool),
            Field("to_member", "转入地人员编号", fields.text),
        ),
        _move_out,
        fields.pool_named,
    ),
    Kind(
        "accounts.move_in",
        "个人账户转入",
        (_POOL, Field("transfer", "转移编号", fields.key)),
        _move_in,
        fields.pool_named,
    ),
    Kind(
        "accounts.move_back",
        "个人账户转移退回",
        (Field("pool", "转入统筹区", fields.pool), Field("transfer", "转移编号", fields.key)),
        _move_back,
        fields.pool_named,
    ),
    Kind(
        "accounts.let_pay",
        "建立家庭共济",
        (
            _POOL,
            Field("owner", "账户所有人人员编号", fields.text),
            Field("relative", "亲属人员编号", fields.text),
            Field("relative_pool", "亲属统筹区", fields.pool, required=False),
            Field("relation", "亲属关系", _relation),
            Field("owner_agreed", "本人同意", fields.yes_or_no),
            _CONSENT,
            Field("origins", "可用部分", fields.words, required=False),
            Field("place", "支付顺序", fields.whole_number, required=False),
            Field("bill_limit", "单笔限额", fields.positive_amount, required=False),
            Field("year_limit", "年度限额", fields.positive_amount, required=False),
            _FROM,
            _UNTIL,
        ),
        _let_pay,
        fields.pool_named,
        four_eyes=False,
    ),
    Kind(
        "accounts.withdraw",
        "撤销家庭共济",
        (_POOL, Field("link", "关系编号", fields.whole_number)),
        _withdraw,
        fields.pool_named,
        four_eyes=False,
    ),
    Kind(
        "accounts.pay_premium",
        "家庭共济缴费",
        (
            _POOL,
            Field("link", "关系编号", fields.whole_number),
            Field("relative", "亲属人员编号", fields.text),
            Field("scheme", "险种", fields.text),
            Field("from", "所属期起", fields.day),
            Field("until", "所属期止（不含）", fields.day),
            Field("amount", "金额", fields.positive_amount),
        ),
        _pay_premium,
        fields.pool_named,
    ),
    Kind(
        "accounts.give_back_premium",
        "退还家庭共济缴费",
        (_POOL, Field("premium", "缴费编号", fields.key)),
        _give_back,
        fields.pool_named,
    ),
    Kind(
        "accounts.represent",
        "建立代理关系",
        (
            _POOL,
            Field("represented", "被代理人人员编号", fields.text),
            Field("representative", "代理人人员编号", fields.text),
            Field("role", "代理类别", fields.one_of(_KINDS_OF_REPRESENTATIVES)),
            Field("acts", "代理事项", _acts),
            Field("consented_by", "同意人人员编号", fields.text),
            _CONSENT,
            _FROM,
            _UNTIL,
        ),
        _represent,
        fields.pool_named,
        four_eyes=False,
    ),
    Kind(
        "accounts.stop_acting",
        "终止代理关系",
        (_POOL, Field("representation", "关系编号", fields.whole_number)),
        _stop_acting,
        fields.pool_named,
        four_eyes=False,
    ),
)
