"""A code table and its values."""

from typing import Literal

import msgspec

Confidence = Literal["A", "B", "C", "D"]
"""A two or more sources agree, B one source, C weak or inferred, D not seen."""


class CodeValue(msgspec.Struct, frozen=True):
    """One value of a code table (字典键值, 字典标签)."""

    value: str
    label: str
    english: str
    confidence: Confidence
    note: str = ""

    @property
    def is_pattern(self) -> bool:
        """Whether the entry stands for many values: ``22xx``, ``02-56``, ``31xx-36xx``."""
        return "xx" in self.value or "-" in self.value

    def covers(self, value: str) -> bool:
        """Whether a value is this one, or one of those that the entry stands for."""
        if not self.is_pattern:
            return value == self.value
        first, _, last = self.value.partition("-")
        low, high = first.replace("x", "0"), (last or first).replace("x", "9")
        fits = value.isdecimal() and len(low) <= len(value) <= len(high)
        return fits and int(low) <= int(value) <= int(high)


class CodeTable(msgspec.Struct, frozen=True):
    """A code table of the interface (字典类型)."""

    name: str
    """Name of the field it belongs to: ``insutype``, ``med_type`` …"""
    label: str
    english: str
    confidence: Confidence
    open: bool
    """Provinces or later versions add values: an unknown one must not be refused."""
    sources: tuple[str, ...]
    values: tuple[CodeValue, ...]
    note: str = ""

    def find(self, value: str) -> CodeValue | None:
        """The entry of a value; that of its range where the table lists only a range."""
        return next((entry for entry in self.values if entry.covers(value)), None)

    def allows(self, value: str) -> bool:
        """Whether a message may carry the value: any in an open table, else only a listed one."""
        return self.open or self.find(value) is not None
