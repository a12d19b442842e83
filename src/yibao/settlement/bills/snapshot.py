"""A settlement's snapshot: every fact that decided it, compact and plain, and the bill again. Pure.

Facts at their default are left out, and so are those that did not exist yet when a settlement was
made: reading a snapshot gives each missing fact its default, which is what the law saw then.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from yibao.adjudication.model import (
    AccountPart,
    Bill,
    CounterKey,
    FamilyAccount,
    Person,
    Provider,
    Sums,
)
from yibao.ledger.model import personal_account
from yibao.policy.model import GENERAL_BUCKET
from yibao.policy.terms import EntitlementExtent, Filing, Level, Place
from yibao.settlement.model import SettlementFacts, SettlementKind


class Snapshot(NamedTuple):
    """What a bill was decided from, beside the law."""

    bill: Bill
    history: Mapping[CounterKey, int]
    account: tuple[AccountPart, ...]
    family: tuple[FamilyAccount, ...]


def written(
    bill: Bill,
    counters: Mapping[CounterKey, int],
    parts: Sequence[AccountPart],
    catalogue: int,
    family: Sequence[Sequence[Any]] = (),
    settled: Sums | None = None,
    member: str = "",
) -> dict[str, Any]:
    """The snapshot of a bill, its counters before, the account and the catalogue's version.

    ``family``: [link, limit, year, parts] of each relative's account, as ``read`` finds it.
    ``settled`` and ``member``: what the snapshot's row says beside it. Buckets that say no more are
    left out, and the person's own accounts are told without the person.
    """
    person = bill.person
    return {
        "birth": person.birth_date.isoformat(),
        "gender": person.gender,
        **({} if _says_no_more(bill.sums, settled) else {"buckets": _stored_buckets(bill.sums)}),
        "counters": {counter_text(key): value for key, value in counters.items()},
        "account": [_stored_part(part, member) for part in parts],
        "catalogue": catalogue,
        **({"family": list(family)} if family else {}),
        **_told(bill),
    }


def _stored_part(part: AccountPart, member: str) -> list[Any]:
    """[year and origin, available] of the member's own, [account, origin, available] of another."""
    own = part.key.removeprefix(personal_account(member, ""))
    if own != part.key and own.endswith(f":{part.origin}"):
        return [own, part.available]
    return [part.key, part.origin, part.available]


def _part(stored: Sequence[Any], member: str) -> AccountPart:
    if len(stored) == _WHOLE:
        return AccountPart(*stored)
    own, available = stored
    return AccountPart(personal_account(member, own), own.rpartition(":")[2], available)


_WHOLE = 3
"""What is told of an account part that is not the member's, and was told of all before."""


def _says_no_more(buckets: Mapping[str, Sums], settled: Sums | None) -> bool:
    return settled is not None and not settled.hospital and buckets == {GENERAL_BUCKET: settled}


def _stored_buckets(buckets: Mapping[str, Sums]) -> dict[str, list[int]]:
    return {bucket: stored_sums(sums) for bucket, sums in buckets.items()}


def buckets_of(facts: SettlementFacts) -> dict[str, Sums]:
    """The sums that a stored settlement was decided from, by benefit bucket."""
    stored = facts.snapshot.get("buckets")
    if stored is not None:
        return {bucket: Sums(*sums) for bucket, sums in stored.items()}
    mirrored = facts.kind is SettlementKind.CANCELLATION
    return {GENERAL_BUCKET: -facts.sums if mirrored else facts.sums}


def _told(bill: Bill) -> dict[str, Any]:
    """The facts that most bills leave at their default."""
    person = bill.person
    facts = {
        "identities": list(person.identities),
        "entitlement": person.entitlement.value,
        "disease": bill.disease,
        "use_account": bill.use_account,
        "traits": list(person.traits),
        "enrolments": list(person.enrolments),
        "retired_on": _text(person.retired_on),
        "enrolled_years": person.enrolled_years,
        "claim_free_years": person.claim_free_years,
        "pharmacy": bill.provider.is_pharmacy,
        "place": bill.place.value,
        "filing": bill.filing.value,
        "circumstances": list(bill.circumstances),
        "begin": _text(bill.begin),
        "days": bill.days,
        "months": bill.months,
        "further_diseases": bill.further_diseases,
        "chain": bill.chain,
        "fixed_price": bill.fixed_price,
    }
    return {name: value for name, value in facts.items() if value != _DEFAULTS[name]}


_DEFAULTS: Mapping[str, Any] = {
    "identities": [],
    "entitlement": EntitlementExtent.FULL.value,
    "disease": None,
    "use_account": True,
    "traits": [],
    "enrolments": [],
    "retired_on": None,
    "enrolled_years": None,
    "claim_free_years": None,
    "pharmacy": False,
    "place": Place.LOCAL.value,
    "filing": Filing.NONE.value,
    "circumstances": [],
    "begin": None,
    "days": 1,
    "months": 1,
    "further_diseases": 0,
    "chain": None,
    "fixed_price": False,
}


def read(facts: SettlementFacts) -> Snapshot:
    """The bill behind a stored settlement, with the history and the account as they stood."""
    stored = {**_DEFAULTS, **facts.snapshot}
    person = Person(
        facts.person_type,
        date.fromisoformat(stored["birth"]),
        stored["gender"],
        tuple(stored["identities"]),
        EntitlementExtent(stored["entitlement"]),
        tuple(stored["traits"]),
        tuple(stored["enrolments"]),
        _day(stored["retired_on"]),
        stored["enrolled_years"],
        stored["claim_free_years"],
    )
    bill = Bill(
        scheme=facts.scheme,
        care_kind=facts.care_kind,
        day=facts.day,
        person=person,
        provider=Provider(Level(facts.level), stored["pharmacy"]),
        sums=buckets_of(facts),
        disease=stored["disease"],
        use_account=stored["use_account"],
        visit=facts.visit.text(),
        place=Place(stored["place"]),
        filing=Filing(stored["filing"]),
        circumstances=tuple(stored["circumstances"]),
        begin=_day(stored["begin"]),
        days=stored["days"],
        months=stored["months"],
        further_diseases=stored["further_diseases"],
        chain=stored["chain"],
        fixed_price=stored["fixed_price"],
    )
    history = {counter_key(text): value for text, value in stored["counters"].items()}
    family = tuple(
        FamilyAccount(tuple(AccountPart(*part) for part in parts), limit)
        for _, limit, _, parts in stored.get("family", ())
    )
    account = tuple(_part(part, facts.member) for part in stored["account"])
    return Snapshot(bill, history, account, family)


def counter_text(key: CounterKey) -> str:
    """A counter's instance as one text."""
    return f"{key.name}@{key.scope}"


def counter_key(text: str) -> CounterKey:
    """The counter's instance behind its text."""
    return CounterKey(*text.split("@", 1))


def stored_sums(sums: Sums) -> list[int]:
    """Five sums as a list; the hospital's part of the excess is a sixth where there is one."""
    five = [sums.total, sums.own, sums.over_limit, sums.first_pay, sums.in_scope]
    return [*five, sums.hospital] if sums.hospital else five


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
