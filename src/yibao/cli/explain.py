"""``yibao explain``: any settlement ever made, told from the law and facts it was decided by."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yibao.cli.law import AsJson, Language, console, echo_json
from yibao.platform.settings import load_settings

if TYPE_CHECKING:
    from yibao.platform.database import Database
    from yibao.settlement.model import SettlementFacts
    from yibao.settlement.service import Recomputed


def explain(
    settlement: Annotated[str, typer.Argument(metavar="SETTLEMENT_ID", help="The bill's setl_id.")],
    language: Annotated[Language, typer.Option(help="Language of the text.")] = Language.CHINESE,
    auditor: Annotated[
        bool, typer.Option("--auditor", help="Every step with its numbers, rule and source.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a settlement cent by cent; exit code 1 when it does not come out again the same."""
    from yibao.cli.on_database import on_database, told_faults
    from yibao.settlement.service import told

    with told_faults(as_json):
        facts, again = on_database(
            load_settings({"data": data}), lambda database: _found(database, settlement)
        )
        if as_json:
            echo_json(_as_json(facts, again))
        else:
            text = told(facts, again, language.value, auditor=auditor)
            console.print(text, highlight=False, soft_wrap=True, markup=False)
    if again.differences:
        raise typer.Exit(1)


async def _found(database: "Database", text: str) -> "tuple[SettlementFacts, Recomputed]":
    """The settlement and what it gives again; of a mirror, the original that it repeats."""
    from yibao.kernel.identifiers import parse_pool_key
    from yibao.kernel.refusals import RefusalCode, Refused
    from yibao.settlement import service

    key = parse_pool_key(text)
    async with database.reader(None) as connection:
        facts = None if key is None else await service.settlement(connection, key)
        if facts is not None and facts.mirrors is not None:
            facts = await service.settlement(connection, facts.mirrors)
        if facts is None:
            raise Refused(RefusalCode.SETTLEMENT_UNKNOWN, f"结算ID {text} 不存在", "settlement")
        return facts, await service.explained(connection, facts)


def _as_json(facts: "SettlementFacts", again: "Recomputed") -> dict[str, Any]:
    from yibao.adjudication.explanation.trace import steps
    from yibao.kernel.money import yuan
    from yibao.settlement.service import amounts_of

    law = again.decision.law
    assert facts.key is not None
    return {
        "settlement": facts.key.text(),
        "day": facts.day.isoformat(),
        "cancelled": facts.cancelled_by is not None,
        "law": {"file": law.file, "title": law.title, "fingerprint": law.fingerprint},
        "amounts": {name: yuan(amount) for name, amount in amounts_of(facts).items()},
        "facts": dict(facts.snapshot),
        "steps": [
            {
                "name": step.name,
                "text": step.text,
                "english": step.english,
                "base": None if step.base is None else yuan(step.base),
                "rate": step.rate,
                "result": None if step.result is None else yuan(step.result),
                "parameter": step.parameter,
                "reference": step.reference,
            }
            for step in steps(again.decision)
        ],
        "differences": [
            {"name": one.name, "settled": yuan(one.settled), "again": yuan(one.again)}
            for one in again.differences
        ],
    }
