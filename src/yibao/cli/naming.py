"""What the command line names: a pool or an institution that does not exist is told, near ones too.

Without this a slip of the finger would read as "nothing there", and a check of it as passed.
"""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from yibao.cli.law import tell

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.kernel.areas import Pool

_SHOWN = 5
"""Names proposed when none is near, so that few pools are all told and many are not."""


async def known_pool(connection: "Connection[Any]", named: str) -> "Pool":
    """The pool (统筹区) of this id; ends the command with code 2 where there is none."""
    from yibao.kernel.areas import Pool, is_pool
    from yibao.registry.institutions.service import pools

    if not is_pool(named):
        tell(f"{named} is no pool: six characters, such as 110000")
        raise typer.Exit(2)
    names = await pools(connection)
    if named not in names:
        known = (f"{code} {name}" for code, name in names.items())
        tell(f"there is no pool {named}; {proposal(named, known)}")
        raise typer.Exit(2)
    return Pool(named)


async def known_pool_or_all(connection: "Connection[Any]", named: str | None) -> "Pool | None":
    """The same where the option may be left out, for all pools."""
    return None if named is None else await known_pool(connection, named)


async def known_institution(connection: "Connection[Any]", code: str) -> None:
    """Ends the command with code 2 where no institution (定点医药机构) ever had the code."""
    from yibao.registry.institutions.service import codes

    known = await codes(connection)
    if code not in known:
        tell(f"there is no institution {code}; {proposal(code, known)}")
        raise typer.Exit(2)


def proposal(word: str, known: Iterable[str]) -> str:
    """``did you mean …?``, or some of what there is."""
    lines = list(known)
    by_code = {line.partition(" ")[0]: line for line in lines}
    near = difflib.get_close_matches(word, by_code, 3)
    if near:
        return f"did you mean {' or '.join(by_code[code] for code in near)}?"
    if not lines:
        return "there is none yet"
    more = ", …" if len(lines) > _SHOWN else ""
    return f"there are {', '.join(lines[:_SHOWN])}{more}"
