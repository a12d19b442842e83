"""The law book: all laws at hand, found by insured division, scheme and day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from yibao.kernel.areas import Division
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.document import Node, laid_over, tree_of_canonical
from yibao.policy.model import Counter, Law
from yibao.policy.parameters import LawError
from yibao.policy.reading import read_law
from yibao.policy.table import Table
from yibao.policy.terms import Scheme


@dataclass(frozen=True, slots=True)
class LawBook:
    """Effective laws by area and scheme; immutable."""

    laws: Mapping[tuple[Division, Scheme], Law]

    @classmethod
    def of_trees(cls, trees: Mapping[str, Node]) -> "LawBook":
        """The book of the files' trees, cities inheriting. Raises LawError."""
        files: dict[tuple[Division, Scheme], Node] = {}
        for name, tree in trees.items():
            key = head_of(tree)
            folder, _, _ = name.rpartition("/")
            if folder.isdecimal() and folder != key[0]:
                raise LawError(name, "law.area", f"is {key[0]}, but the folder is another area's")
            if key in files:
                raise LawError(name, "law.scheme", f"{files[key].file} is this law already")
            files[key] = tree
        laws = {key: read_law(_effective(key, files)) for key in files}
        check_shared_counters(laws)
        return cls(laws)

    def law_on(self, division: str, scheme: Scheme, day: date) -> Law:
        """The law for persons insured in a division: its own, else its city's, its province's.

        The law holds all its versions; the day of the bill chooses among them.
        Refused: PARAMETER_MISSING when no law is at hand.
        """
        for area in (division, f"{division[:4]}00", f"{division[:2]}0000"):
            law = self.laws.get((Division(area), scheme))
            if law is not None:
                return law
        raise Refused(
            RefusalCode.PARAMETER_MISSING,
            f"参保地 {division} 没有险种 {scheme} 的待遇规则（{day.isoformat()}）",
            field="law",
            parameter=f"{division}/{scheme}",
            day=day.isoformat(),
        )

    def by_fingerprint(self, fingerprint: str) -> Law | None:
        """The law with a fingerprint, if this book holds it."""
        for law in self.laws.values():
            if law.fingerprint == fingerprint:
                return law
        return None


def law_from_canonical(text: str) -> Law:
    """The law behind a stored canonical text; its fingerprint is the same. Raises LawError."""
    return read_law(tree_of_canonical(text), text)


def head_of(tree: Node) -> tuple[Division, Scheme]:
    """Area and scheme of a file's tree. Raises LawError."""
    head = Table(Table(tree).must("law"))
    return Division(head.text("area")), Scheme(head.text("scheme"))


def parent_of(tree: Node) -> tuple[Division, Scheme] | None:
    """Area and scheme of the law that a file's law starts from, if any. Raises LawError."""
    area = Table(Table(tree).must("law")).optional_text("inherits")
    return None if area is None else (Division(area), head_of(tree)[1])


def _effective(
    key: tuple[Division, Scheme],
    files: Mapping[tuple[Division, Scheme], Node],
    heirs: tuple[Division, ...] = (),
) -> Node:
    tree = files[key]
    above = parent_of(tree)
    if above is None:
        return tree
    if above not in files:
        raise LawError(tree.file, "law.inherits", f"no law of area {above[0]} and scheme {key[1]}")
    if above[0] in (*heirs, key[0]):
        raise LawError(tree.file, "law.inherits", "the laws inherit from each other in a circle")
    return laid_over(_effective(above, files, (*heirs, key[0])), tree)


def check_shared_counters(laws: Mapping[tuple[Division, Scheme], Law]) -> None:
    """A member's counters are found by name: two schemes share a name only as one counter."""
    for (area, _), law in laws.items():
        for counter in law.counters.values():
            for (other_area, scheme), other in laws.items():
                if other_area == area and other is not law:
                    _check_shared(counter, law, other, scheme)


def _check_shared(counter: Counter, law: Law, other: Law, scheme: Scheme) -> None:
    twin = other.counters.get(counter.name)
    key = f"counters.{counter.name}"
    if twin is None:
        if scheme in counter.schemes:
            reason = f"missing: {law.file} says that scheme {scheme} shares this counter"
            raise LawError(other.file, key, reason)
        return
    if _shape(twin) != _shape(counter):
        reason = (
            f"{law.file} declares another counter of this name: to share one, write schemes,"
            " scope, counts and by alike; to have two, give them two names"
        )
        raise LawError(other.file, key, reason)


def _shape(counter: Counter) -> tuple[object, ...]:
    return sorted(counter.schemes), counter.scope, counter.counts, counter.by
