"""``yibao bureau``: the clerks' (经办人员) business, proposed by one and approved by another.

Who acts is said by ``--as CODE`` and shown by the personal key in YIBAO_CLERK_KEY.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from yibao.cli.bureau_clerks import clerk_cli
from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import print_whole

if TYPE_CHECKING:
    from yibao.bureau.model import Field, Kind, Proposal
    from yibao.cli.clerking import Desk
    from yibao.kernel.identifiers import PoolKey

KEY_VARIABLE = "YIBAO_CLERK_KEY"

bureau_cli = typer.Typer(
    name="bureau",
    help="Clerks' business (经办业务): propose, approve, reject, withdraw, list.",
    no_args_is_help=True,
)
bureau_cli.add_typer(clerk_cli)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
Acting = Annotated[
    str, typer.Option("--as", help=f"Code of the clerk; the personal key is in {KEY_VARIABLE}.")
]
Number = Annotated[str, typer.Argument(help="Number of the proposal (业务单号).")]
Remark = Annotated[str, typer.Option("--remark", help="The clerk's word, kept with the decision.")]


@bureau_cli.command("kinds")
def show_kinds(
    name: Annotated[str | None, typer.Argument(help="One kind: its fields are shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what clerks can do, or the fields of one kind.

    Example: yibao bureau kinds manual_claims.enter
    """
    from yibao.bureau import service
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):
        chosen = [service.kind_named(name)] if name else list(service.kinds().values())
    if as_json:
        echo_json({"kinds": [_kind(kind) for kind in chosen]})
    elif name:
        _print_fields(chosen[0])
    else:
        table = Table("kind", "title", "four eyes")
        for kind in chosen:
            table.add_row(kind.name, kind.title, _yes(kind.four_eyes))
        print_whole(console, table)
        console.print("Fields of one: yibao bureau kinds NAME", highlight=False)


@bureau_cli.command()
def propose(
    kind: Annotated[str, typer.Argument(help="The kind of business, as `kinds` lists it.")],
    content: Annotated[
        list[str] | None, typer.Argument(help="name=value …; name=@FILE reads a file.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; always needed.")] = "",
    message_id: Annotated[
        str | None, typer.Option(help="The same id with the same content proposes once.")
    ] = None,
    clerk: Acting = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Propose some business; nothing is done until it is approved.

    Example: yibao bureau propose corrections.cancel settlement=110000… --reason 医院申请 --as W1
    """
    from uuid import uuid4

    from yibao.bureau import service
    from yibao.cli.clerking import at_desk
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):
        given = _texts(content or ())

        async def work(desk: "Desk") -> "Proposal":
            command = service.proposing(
                kind, given, reason, desk.clerk, message_id or f"cli-{uuid4()}"
            )
            done = await desk.done(command)
            return await desk.proposal(_key(done.reference["proposal"]))

        _tell(at_desk(data, clerk, _clerk_key(clerk), work), as_json=as_json)


@bureau_cli.command("try")
def attempt(
    number: Number, clerk: Acting = "", data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Show what approving a proposal would come to; nothing is changed.

    Example: yibao bureau try 1100000012345678901234567 --as W1
    """
    from yibao.cli.clerking import at_desk
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):
        key = _key(number)

        async def work(desk: "Desk") -> Any:
            return await desk.tried(key)

        result = at_desk(data, clerk, _clerk_key(clerk), work)
    if as_json:
        echo_json({"proposal": number, "would_result": result})
    else:
        _print_pairs(_pairs("would result", result))


@bureau_cli.command()
def approve(
    number: Number,
    remark: Remark = "",
    clerk: Acting = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Agree to a proposal and carry it out, at once; again: the first result.

    What cannot be done is refused with the reason, and the proposal stays open.

    Example: yibao bureau approve 1100000012345678901234567 --as W2
    """
    from yibao.bureau import service

    def command(key: "PoolKey", desk: "Desk") -> Any:
        return service.approving(key, desk.clerk, remark.strip() or None)

    _decide(number, clerk, data, command, as_json=as_json)


@bureau_cli.command()
def reject(
    number: Number,
    remark: Remark = "",
    clerk: Acting = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a proposal for good; the remark tells why.

    Example: yibao bureau reject 1100000012345678901234567 --remark 票据不清 --as W2
    """
    from yibao.bureau import service

    def command(key: "PoolKey", desk: "Desk") -> Any:
        return service.rejecting(key, desk.clerk, remark)

    _decide(number, clerk, data, command, as_json=as_json)


@bureau_cli.command()
def withdraw(
    number: Number, clerk: Acting = "", data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Take one's own proposal back.

    Example: yibao bureau withdraw 1100000012345678901234567 --as W1
    """
    from yibao.bureau import service

    def command(key: "PoolKey", desk: "Desk") -> Any:
        return service.withdrawing(key, desk.clerk)

    _decide(number, clerk, data, command, as_json=as_json)


@bureau_cli.command("list")
def show_list(
    pool: Annotated[str | None, typer.Option(help="Of one pool (统筹区) only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    clerk: Acting = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the open proposals, the newest first.

    Example: yibao bureau list --pool 110000 --as W2
    """
    from yibao.cli.clerking import at_desk
    from yibao.cli.naming import known_pool_or_all
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):

        async def work(desk: "Desk") -> "list[Proposal]":
            async with desk.database.reader(None) as connection:
                await known_pool_or_all(connection, pool)
            return await desk.proposals(pool, only_open=not everything)

        found = at_desk(data, clerk, _clerk_key(clerk), work)
    if as_json:
        echo_json({"proposals": [_proposal(one) for one in found]})
        return
    if not found:
        console.print("no proposals" if everything else "no open proposals", highlight=False)
        return
    table = Table("proposal", "kind", "state", "proposed", "by", "reason", "refused")
    for one in found:
        table.add_row(
            one.key.text(), one.kind, one.state.value, _time(one.proposed_at),
            one.proposed_by, one.reason, one.refused or "",
        )  # fmt: skip
    print_whole(console, table)


@bureau_cli.command()
def show(
    number: Number, clerk: Acting = "", data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Show a proposal: content, reason, what became of it.

    Example: yibao bureau show 1100000012345678901234567 --as W2
    """
    from yibao.cli.clerking import at_desk
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):
        key = _key(number)

        async def work(desk: "Desk") -> "Proposal":
            return await desk.proposal(key)

        _tell(at_desk(data, clerk, _clerk_key(clerk), work), as_json=as_json)


# ----------------------------------------------------------------------------------------- private


def _decide(number: str, clerk: str, data: Path | None, command: Any, *, as_json: bool) -> None:
    from yibao.cli.clerking import at_desk
    from yibao.cli.on_database import told_faults

    with told_faults(as_json):
        key = _key(number)

        async def work(desk: "Desk") -> "Proposal":
            await desk.done(command(key, desk))
            return await desk.proposal(key)

        _tell(at_desk(data, clerk, _clerk_key(clerk), work), as_json=as_json)


def _clerk_key(clerk: str) -> str:
    """The personal key of who acts; both must be said."""
    if not clerk:
        tell("say who acts: --as CODE")
        raise typer.Exit(2)
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        tell(f"set {KEY_VARIABLE} to the clerk's personal key")
        raise typer.Exit(2)
    return key


def _key(number: str) -> "PoolKey":
    from yibao.kernel.identifiers import parse_pool_key

    key = parse_pool_key(number)
    if key is None:
        tell(f"{number} is no number of a proposal: a pool and 19 digits")
        raise typer.Exit(2)
    return key


def _texts(content: Sequence[str]) -> dict[str, str]:
    """``name=value`` pairs; ``name=@FILE`` is the file's text."""
    given: dict[str, str] = {}
    for pair in content:
        name, equals, value = pair.partition("=")
        if not equals or name in given:
            tell(f"{pair}: write each field once, as name=value")
            raise typer.Exit(2)
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as fault:
                tell(f"{value[1:]}: {fault}")
                raise typer.Exit(2) from None
        given[name] = value
    return given


def _tell(proposal: "Proposal", *, as_json: bool) -> None:
    from yibao.bureau import service
    from yibao.bureau.model import ProposalState

    told = _proposal(proposal)
    if as_json:
        echo_json(told)
        return
    open_yet = proposal.state is ProposalState.PROPOSED
    pairs = [
        ("proposal", told["proposal"]),
        ("kind", f"{proposal.kind} {service.kind_named(proposal.kind).title}"),
        ("state", told["state"]),
        ("reason", proposal.reason),
        ("proposed", f"{_time(proposal.proposed_at)} by {proposal.proposed_by}"),
    ]
    if proposal.decided_at is not None:
        pairs.append(("decided", f"{_time(proposal.decided_at)} by {proposal.decided_by}"))
    if proposal.remark:
        pairs.append(("remark", proposal.remark))
    if proposal.refused and open_yet:
        pairs.append(("last try refused", proposal.refused))
    pairs += _pairs("content", proposal.content)
    if proposal.result is not None:
        pairs += _pairs("result", proposal.result)
    _print_pairs(pairs)


def _pairs(title: str, content: Any) -> list[tuple[str, str]]:
    """A row a value; lists and objects as indented JSON."""
    return [
        (f"{title}: {name}", value if isinstance(value, str) else _json(value))
        for name, value in content.items()
    ]


def _json(value: Any) -> str:
    nested = isinstance(value, (list, dict)) and bool(value)
    return json.dumps(value, ensure_ascii=False, indent=2 if nested else None)


def _print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    table = Table(show_header=False)
    for name, value in pairs:
        table.add_row(name, escape(value))
    print_whole(console, table)


def _time(instant: datetime) -> str:
    """As the clock on the clerk's wall has it: Beijing time, to the minute."""
    from yibao.kernel.periods import local_time

    return f"{local_time(instant):%Y-%m-%d %H:%M}"


def _print_fields(kind: "Kind") -> None:
    console.print(f"{kind.name}  {kind.title}", highlight=False)
    table = Table("field", "title", "needed", "how it is written")
    for field in kind.fields:
        table.add_row(field.name, field.title, _yes(field.required), escape(_how(field)))
    print_whole(console, table)


def _how(field: "Field") -> str:
    """How a value is written, from the first line of what reads it."""
    return (field.parse.__doc__ or "").strip().partition("\n")[0]


def _kind(kind: "Kind") -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": kind.title,
        "four_eyes": kind.four_eyes,
        "fields": [
            {
                "name": field.name,
                "title": field.title,
                "required": field.required,
                "how": _how(field),
            }
            for field in kind.fields
        ],
    }


def _proposal(one: "Proposal") -> dict[str, Any]:
    return {
        "proposal": one.key.text(),
        "kind": one.kind,
        "state": one.state.value,
        "content": one.content,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at.isoformat(),
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "remark": one.remark,
        "refused": one.refused,
        "result": one.result,
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
