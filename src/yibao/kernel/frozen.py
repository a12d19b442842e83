"""The form of what a bill is made of by the hundred: frozen, compared by content, made in C.

A ``Frozen`` is written and read like a frozen dataclass and costs a fifteenth of one to make
(decision 0024).
"""

from typing import TYPE_CHECKING, dataclass_transform

import msgspec
from msgspec import field
from msgspec.structs import astuple

if TYPE_CHECKING:  # the same call, but its fields are checked
    from dataclasses import replace
else:
    from msgspec.structs import replace

__all__ = ["Frozen", "astuple", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Frozen(msgspec.Struct, frozen=True, gc=False):
    """A value of named fields that never change; ``replace`` makes another one with some changed.

    The garbage collector need not know it: nothing frozen can hold itself.
    """
