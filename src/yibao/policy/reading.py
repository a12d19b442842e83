"""From a document tree to a ``Law``: every key known, every cross-reference checked.

What a law is made of is read elsewhere: ``classes`` (dimensions, counters), ``benefits``,
``payers``; here its head and its other rules are, and what holds between the parts.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

from yibao.kernel.areas import Division
from yibao.policy.benefits import Declared, check_counted_payers, read_benefits, read_common_payers
from yibao.policy.classes import check_times, read_classes, read_counters
from yibao.policy.dated import (
    Vocabulary,
    read_defaults,
    read_optional,
    read_parameter,
)
from yibao.policy.document import Node, canonical_text, fingerprint_of
from yibao.policy.leaves import (
    AMOUNT,
    ARREARS,
    DAYS,
    DIVISOR,
    MONTH_DAY,
    MONTHS,
    NUMBER,
    ORDERED_WORDS,
    PERSONAL_PARTS,
    RATIO,
    WORD,
    WORDS,
    choice_kind,
)
from yibao.policy.model import (
    GENERAL_BUCKET,
    AdjustmentKind,
    Allowance,
    BenefitRules,
    EntitlementRules,
    Fact,
    Law,
    LineRules,
    OverLimit,
    Payer,
    StayRules,
    words_on,
)
from yibao.policy.parameters import LawError
from yibao.policy.purses import AccountRules, FamilyRules
from yibao.policy.table import Table, date_of, proposal
from yibao.policy.terms import Scheme


def read_law(tree: Node, canonical: str | None = None) -> Law:
    """The law of an effective document tree; ``canonical`` is its stored text, if it has one.

    Raises LawError.
    """
    root = Table(tree)
    head = Table(root.must("law"))
    area, scheme = _digits(head, "area", 6), Scheme(_digits(head, "scheme", 3))
    title = head.text("title")
    until = head.node_of("until")
    head.optional_text("inherits")
    head.done()
    root.node_of("defaults")  # read for each value with the file that it stands in
    vocabulary = Vocabulary(read_classes(root), read_defaults(tree))
    benefit_names = list(root.tables("benefits"))
    counters = read_counters(root, scheme, benefit_names, vocabulary)
    check_times(root, vocabulary.classes, counters)
    declared = Declared(counters, vocabulary, tree.file)
    benefits = read_benefits(root, declared)
    payers = read_common_payers(root, benefits, declared)
    check_counted_payers(root, payers, counters)
    lines = _read_lines(root, vocabulary)
    unpaid = read_parameter(root, "unpaid_care_kinds", WORDS, vocabulary)
    year_start = read_parameter(root, "benefit_year", MONTH_DAY, vocabulary)
    account = _read_account(root, vocabulary)
    family = _read_family(root, vocabulary)
    allowances = _read_allowances(root, vocabulary)
    entitlement = _read_entitlement(root, vocabulary)
    stays = _read_stays(root, vocabulary)
    root.done()
    law = Law(
        area=Division(area),
        scheme=scheme,
        title=title,
        file=tree.file,
        until=None if until is None else date_of(until),
        classes=vocabulary.classes,
        year_start=year_start,
        counters=counters,
        account=account,
        family=family,
        lines=lines,
        benefits=benefits,
        payers=payers,
        allowances=allowances,
        entitlement=entitlement,
        stays=stays,
        unpaid_care_kinds=unpaid,
        numbers=_numbers(benefits, payers),
        canonical=canonical or canonical_text(tree),
        fingerprint=fingerprint_of(canonical or canonical_text(tree)),
    )
    _check_care_kinds(root, law)
    _check_buckets(law)
    return law


def _digits(head: Table, key: str, count: int) -> str:
    text = head.text(key)
    if len(text) != count or not (text.isascii() and text.isdecimal()):
        raise head.error(key, f"must be {count} digits, not {text!r}")
    return text


# ------------------------------------------------------------------------------- the other rules


def _part(root: Table, key: str) -> Table:
    """A table of the law, as an empty one where it is absent: its values are not known then."""
    return root.table(key) or Table(Node(root.file, key, {}))


def _read_account(root: Table, vocabulary: Vocabulary) -> AccountRules:
    table = _part(root, "account")
    rules = AccountRules(
        may_pay=read_parameter(table, "may_pay", PERSONAL_PARTS, vocabulary.admitting(Fact.PART)),
        parts=read_parameter(table, "parts", ORDERED_WORDS, vocabulary),
        spent_first=read_optional(table, "spent_first", ORDERED_WORDS, vocabulary),
        interest=read_optional(table, "interest", RATIO, vocabulary),
    )
    table.done()
    return rules


def _read_family(root: Table, vocabulary: Vocabulary) -> FamilyRules | None:
    table = root.table("family")
    if table is None:
        return None
    rules = FamilyRules(
        relations=read_parameter(table, "relations", WORDS, vocabulary),
        parts=read_parameter(table, "parts", ORDERED_WORDS, vocabulary),
        may_pay=read_optional(table, "may_pay", PERSONAL_PARTS, vocabulary.admitting(Fact.PART)),
        premiums=read_optional(table, "premiums", WORDS, vocabulary),
    )
    table.done()
    return rules


def _read_lines(root: Table, vocabulary: Vocabulary) -> LineRules:
    table = _part(root, "lines")
    here = vocabulary.admitting(Fact.ITEM_CLASS, Fact.ITEM_KIND)
    rules = LineRules(
        first_pay=read_optional(table, "first_pay", RATIO, here),
        over_limit=read_optional(table, "over_limit", choice_kind(OverLimit), here),
        bucket=read_optional(table, "bucket", WORD, here),
    )
    table.done()
    return rules


def _read_allowances(root: Table, vocabulary: Vocabulary) -> Mapping[str, Allowance]:
    allowances = {}
    for key, table in root.tables("allowances").items():
        title = table.text("title", key)
        allowances[key] = Allowance(
            key=key,
            title=title,
            english=table.text("english", title),
            rate=read_optional(table, "rate", NUMBER, vocabulary),
            divisor=read_optional(table, "divisor", DIVISOR, vocabulary),
            units=read_optional(table, "units", NUMBER, vocabulary),
            lump=read_optional(table, "lump", AMOUNT, vocabulary),
        )
        table.done()
    return allowances


def _read_entitlement(root: Table, vocabulary: Vocabulary) -> EntitlementRules | None:
    table = root.table("entitlement")
    if table is None:
        return None
    rules = EntitlementRules(
        waiting_months=read_parameter(table, "waiting_months", MONTHS, vocabulary),
        gap_months=read_parameter(table, "gap_months", MONTHS, vocabulary),
        grace_months=read_parameter(table, "grace_months", MONTHS, vocabulary),
        repay_months=read_parameter(table, "repay_months", MONTHS, vocabulary),
        newborn_days=read_parameter(table, "newborn_days", DAYS, vocabulary),
        arrears=read_parameter(table, "arrears", ARREARS, vocabulary),
    )
    table.done()
    return rules


def _read_stays(root: Table, vocabulary: Vocabulary) -> StayRules | None:
    table = root.table("stays")
    if table is None:
        return None
    rules = StayRules(
        referral_days=read_parameter(table, "referral_days", DAYS, vocabulary),
        readmission_days=read_parameter(table, "readmission_days", DAYS, vocabulary),
        emergency_days=read_parameter(table, "emergency_days", DAYS, vocabulary),
    )
    table.done()
    return rules


def _numbers(benefits: Sequence[BenefitRules], common: Sequence[Payer]) -> frozenset[Fact]:
    """The facts whose number itself enters a formula."""
    payers = [*chain.from_iterable(benefit.payers for benefit in benefits), *common]
    limits = [
        *chain.from_iterable(benefit.deductible for benefit in benefits),
        *chain.from_iterable((*payer.caps, *payer.deductible) for payer in payers),
    ]
    numbers = {growth.years for limit in limits for growth in limit.growth}
    by_age = AdjustmentKind.POINTS_PER_YEAR_OF_AGE
    if any(adjustment.kind is by_age for payer in payers for adjustment in payer.adjustments):
        numbers.add(Fact.AGE)
    return frozenset(numbers)


# ------------------------------------------------------------------------- what holds between parts


def _check_care_kinds(root: Table, law: Law) -> None:
    """On every day a kind of care and bucket belongs to one benefit, or is not paid, at most.

    A kind that is not paid may still have a benefit for lines of another bucket: purchases at a
    pharmacy are not paid, but for dual-channel drugs (双通道药品).
    """
    parameters = [law.unpaid_care_kinds, *(benefit.care_kinds for benefit in law.benefits)]
    for day in sorted({version.start for p in parameters for version in p.versions}):
        unpaid = words_on(law.unpaid_care_kinds, day)
        owner: dict[tuple[str, str], str] = {}
        for benefit in law.benefits:
            for kind in sorted(words_on(benefit.care_kinds, day)):
                for bucket in benefit.buckets:
                    first = owner.setdefault((kind, bucket), benefit.key)
                    if first != benefit.key:
                        reason = f"{kind} belongs to {first!r} already on {day} (bucket {bucket})"
                        raise LawError(root.file, benefit.care_kinds.path, reason)
                if kind in unpaid and GENERAL_BUCKET in benefit.buckets:
                    reason = f"{kind} is not paid and paid by {benefit.key!r} on {day}"
                    raise root.error("unpaid_care_kinds", reason)


def _check_buckets(law: Law) -> None:
    """Where the law sends lines to a bucket, some benefit is for it."""
    if law.lines.bucket is None:
        return
    known = sorted({bucket for benefit in law.benefits for bucket in benefit.buckets})
    for version in law.lines.bucket.versions:
        for bucket in version.cases.values():
            if bucket not in known:
                reason = f"no benefit has the bucket{proposal(bucket, known)}"
                raise LawError(version.file, law.lines.bucket.path, reason)
