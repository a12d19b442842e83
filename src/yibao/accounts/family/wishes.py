"""What an account's owner asks for by an app, as commands of the owner's pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yibao.accounts.family import service
from yibao.accounts.family.model import NewLink, PremiumFromFamily
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Done, Handler, Unit
from yibao.platform.commands.one_by_one import one_by_one
from yibao.platform.crypto import Vault
from yibao.registry.family import service as links
from yibao.registry.service import ReferenceCache


@dataclass(frozen=True, slots=True)
class LetPay:
    """Let the owner's account pay for a relative (建立家庭共济); answers a FamilyLink."""

    link: NewLink


@dataclass(frozen=True, slots=True)
class StopPaying:
    """Let a link pay no more (撤销家庭共济); answers a FamilyLink."""

    link: int
    owner: int
    """The human who asks; another's link is as unknown as none."""
    reason: str


@dataclass(frozen=True, slots=True)
class PayPremium:
    """Pay a relative's premium out of the owner's account (代缴); answers a PaidPremium."""

    premium: PremiumFromFamily
    owner: int


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of wish."""

    async def run(unit: Unit, wish: Any) -> Done:
        if isinstance(wish, StopPaying):
            await _check_owner(unit, wish.link, wish.owner)
            ended = await service.withdraw(unit, wish.link, wish.reason)
            return Done(ended, {"link": ended.number})
        laws = (await references.current(unit.connection)).laws
        if isinstance(wish, LetPay):
            made = await service.let_pay(unit, vault, laws, wish.link)
            return Done(made, {"link": made.number})
        await _check_owner(unit, wish.premium.link, wish.owner)
        paid = await service.pay_premium(unit, vault, laws, wish.premium)
        return Done(paid, {"posting": paid.posting, "parts": [list(one) for one in paid.parts]})

    return dict.fromkeys((LetPay, StopPaying, PayPremium), one_by_one(run))


async def _check_owner(unit: Unit, number: int, owner: int) -> None:
    found = await links.find(unit.connection, number)
    if found is None or found.owner != owner:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {number} 的家庭共济关系", "link")
