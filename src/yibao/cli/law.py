"""``yibao law``: check laws, show and compare them, explain a bill by one, run published cases.

None of these needs a database. What they print and the shape of ``--json`` is written down in
``docs/law/commands.md``.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

law_cli = typer.Typer(
    name="law",
    help="The law as data: check it, show it, compare it, explain bills by it, run its cases.",
    no_args_is_help=True,
)

console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LawsFolder = Annotated[
    Path | None,
    typer.Option(
        "--laws", help="Folder of <area>/<scheme>.toml, looked through before the packaged laws."
    ),
]
OnDay = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The day, such as 2025-06-01; today."),
]
LAW_NAME = "A law file, or AREA/SCHEME such as 430100/390 (or 430100/resident)."


class Language(StrEnum):
    """Languages of explanations."""

    CHINESE = "zh"
    ENGLISH = "en"


@law_cli.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Law files or folders; default: packaged laws.")
    ] = None,
    laws: LawsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Read laws strictly; exit code 1 when one cannot be used.

    Example: yibao law check mine.toml
    """
    from yibao.cli.law_check import checked, lines

    with told(as_json):
        found = checked(paths or [], laws)
        if as_json:
            echo_json({"laws": [one.as_json() for one in found]})
        else:
            print_lines(lines(found))
    raise typer.Exit(0 if all(one.error is None for one in found) else 1)


@law_cli.command()
def show(
    name: Annotated[str, typer.Argument(metavar="LAW", help=LAW_NAME)],
    on: OnDay = None,
    laws: LawsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print the law as it stands on a day, each value with its source.

    Example: yibao law show 110000/310 --on 2025-06-01
    """
    from yibao.cli.law_files import Shelf
    from yibao.cli.law_show import lines, shown

    with told(as_json):
        found = [shown(law, day_of(on)) for law in Shelf(laws).laws(name)]
        if as_json:
            echo_json({"laws": [one.as_json() for one in found]})
        else:
            print_lines(lines(found))


@law_cli.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=LAW_NAME)],
    after: Annotated[str, typer.Argument(metavar="B", help=LAW_NAME)],
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="Compare this day only; else all days."),
    ] = None,
    laws: LawsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print every value in which two laws differ.

    Example: yibao law diff 430100/390 mine.toml --on 2026-01-01
    """
    from yibao.cli.law_files import Shelf
    from yibao.cli.law_show import compared, difference_lines, differences_json

    with told(as_json):
        shelf = Shelf(laws)
        found = compared(shelf.law(before), shelf.law(after), on.date() if on else None)
        if as_json:
            echo_json({"differences": differences_json(found)})
        else:
            print_lines(difference_lines(found))


@law_cli.command()
def explain(
    law: Annotated[str, typer.Option("--law", metavar="LAW", help=LAW_NAME)],
    bill: Annotated[
        Path, typer.Option("--bill", help="Bill file (TOML or JSON): docs/law/cases.md.")
    ],
    history: Annotated[
        Path | None, typer.Option("--history", help="File of counters before the first bill.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Language of the steps.")] = Language.CHINESE,
    auditor: Annotated[
        bool, typer.Option("--auditor", help="Every step with its numbers, rule and source.")
    ] = False,
    laws: LawsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Settle the bills of a file one after the other and tell every step; no database.

    Example: yibao law explain --law 110000/310 --bill bill.toml --language en
    """
    from yibao.cli.law_explain import explained

    with told(as_json):
        answer = explained(law, bill, history, laws)
        if as_json:
            echo_json(answer.as_json())
        else:
            answer.print(console, language.value, auditor=auditor)
    if answer.refused is not None:
        if not as_json:
            tell_refused(answer.refused)
        raise typer.Exit(1)


@law_cli.command()
def cases(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Case files or folders; default: the packaged published cases."),
    ] = None,
    explained: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Tell every step of this case.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Language of the steps.")] = Language.CHINESE,
    laws: LawsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put published cases to the law; exit code 1 when one does not come out to the cent.

    Example: yibao law cases my-cases.toml
    """
    from yibao.cli.law_cases import of_id, print_results, run
    from yibao.cli.law_explain import print_bill

    with told(as_json):
        results = run(paths or [], laws)
        if explained is not None:
            results = [of_id(results, explained)]
        if as_json:
            echo_json({"cases": [result.as_json() for result in results]})
        else:
            for one in results[0].settled if explained is not None else ():
                print_bill(console, one, language.value, auditor=True)
            print_results(console, results)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


# ------------------------------------------------------------------------------- shared by them


@contextmanager
def told(as_json: bool = False) -> Iterator[None]:
    """What is wrong with a law, a document or a bill is told without a traceback; exit code 1."""
    from yibao.kernel.refusals import Refused
    from yibao.policy.parameters import LawError

    try:
        yield
    except LawError as error:
        if as_json:
            echo_json({"error": {"file": error.file, "key": error.key, "reason": error.reason}})
        tell(f"{error.file}: {error.key}: {error.reason}")
        raise typer.Exit(1) from None
    except Refused as refused:
        if as_json:
            echo_json({"refused": refusal_json(refused)})
        tell_refused(refused)
        raise typer.Exit(1) from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        if as_json:
            echo_json({"error": {"file": str(error.filename), "key": "(file)", "reason": reason}})
        tell(f"{error.filename}: {reason}")
        raise typer.Exit(1) from None


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of markup as they are, not cut to the width of the terminal."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def tell(fault: str) -> None:
    """Say on stderr what is wrong."""
    errors.print("[red]yibao:[/red] ", end="")
    errors.print(fault, highlight=False, soft_wrap=True, markup=False)


def tell_refused(refused: Any) -> None:
    """Say on stderr why a bill was refused: code, parameter or field, day."""
    refusal = refused.refusal
    facts = ", ".join(f"{key} {value}" for key, value in refusal.facts.items())
    about = facts or refusal.field or ""
    tell(f"refused, {refusal.code.name}: {about}: {refusal.message}")


def refusal_json(refused: Any) -> dict[str, Any]:
    """A refusal for programs."""
    refusal = refused.refusal
    return {
        "code": int(refusal.code),
        "name": refusal.code.name,
        "message": refusal.message,
        "field": refusal.field,
        **refusal.facts,
    }


def echo_json(answer: Any) -> None:
    """Print for programs."""
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def day_of(given: datetime | None) -> Any:
    """The day asked for, else today."""
    return (given or datetime.now().astimezone()).date()
