"""What the books say at the end of a run."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Verdict:
    """What the books say."""

    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """Faults by what is wrong: ``lost``, ``doubled``, ``books``, ``ledger``, ``law`` …"""
    people: set[str] = field(default_factory=set)
    """Persons whose history is to be told."""
    figures: dict[str, int] = field(default_factory=dict)

    def find(self, kind: str, told: str, person: str = "") -> None:
        """A fault."""
        self.kinds[kind] += 1
        self.faults.append(f"{person}: {told}" if person else told)
        if person:
            self.people.add(person)
