"""``yibao sandbox …``: the tools of a running sandbox from the command line.

Each command asks the server that runs on the data folder, by the JSON that its console offers.
"""

import http.client
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from yibao.platform.settings import Settings, SettingsFault, load_settings

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

console = Console()
errors = Console(stderr=True)


def person(
    age: Annotated[int, typer.Option(help="Whole years today.")] = 40,
    gender: Annotated[str, typer.Option(help="1 male, 2 female.")] = "1",
    scheme: Annotated[str, typer.Option(help="insutype 310 or 390; by age if left out.")] = "",
    person_type: Annotated[str, typer.Option(help="psn_type; by scheme and age.")] = "",
    special_identity: Annotated[str, typer.Option(help="psn_idet_type, such as 2303.")] = "",
    division: Annotated[str, typer.Option(help="Insured division, such as 110000.")] = "",
    balance: Annotated[str, typer.Option(help="Yuan in the personal account.")] = "5000.00",
    extent: Annotated[str, typer.Option(help="full, account_only or none.")] = "full",
    died_on: Annotated[str, typer.Option(help="Day of death, yyyy-mm-dd.")] = "",
    document_number: Annotated[str, typer.Option(help="Identity number of your choice.")] = "",
    name: Annotated[str, typer.Option(help="Name of your choice.")] = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make an insured person; print the numbers and vouchers to call with."""
    wish = {
        "age": age,
        "gender": gender,
        "scheme": scheme,
        "person_type": person_type,
        "special_identity": special_identity,
        "division": division,
        "balance": balance,
        "extent": extent,
        "died_on": died_on or None,
        "document_number": document_number,
        "name": name,
    }
    _tell(_ask(data, "POST", "people", wish), as_json=as_json)


def vouchers(
    certno: Annotated[str, typer.Argument(help="Number of the person's identity card.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a person show a QR code (for 1162) and a social-security card."""
    _tell(_ask(data, "POST", "vouchers", {"certno": certno}), as_json=as_json)


def clock(
    to: Annotated[str, typer.Option(help="Set it: yyyy-mm-ddThh:mm:ss, Beijing time.")] = "",
    days: Annotated[int, typer.Option(help="Move it by days.")] = 0,
    seconds: Annotated[int, typer.Option(help="Move it by seconds.")] = 0,
    still: Annotated[bool, typer.Option("--still", help="It stands still from there on.")] = False,
    real: Annotated[bool, typer.Option("--real", help="Back to the machine's time.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the sandbox's time, or set or move it for all its processes."""
    if real:
        told = _ask(data, "POST", "clock", {})
    elif to or days or seconds:
        wish = {"to": to or None, "days": days, "seconds": seconds, "running": not still}
        told = _ask(data, "POST", "clock", wish)
    else:
        told = _ask(data, "GET", "clock")
    _tell(told, as_json=as_json)


def fault(
    kind: Annotated[
        str, typer.Argument(help="delay, refuse, unknown, lose_request or lose_reply.")
    ],
    number: Annotated[str, typer.Option(help="Transaction; any if left out.")] = "",
    institution: Annotated[str, typer.Option(help="fixmedins_code; any if left out.")] = "",
    count: Annotated[int, typer.Option(help="How many messages it hits.")] = 1,
    seconds: Annotated[float, typer.Option(help="Of a delay.")] = 5.0,
    code: Annotated[int, typer.Option(help="infcode of a refusal.")] = 9001,
    text: Annotated[str, typer.Option(help="err_msg of a refusal.")] = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let something go wrong with the next messages that fit, to try a client's recovery."""
    wish = {
        "kind": kind,
        "number": number,
        "institution": institution,
        "count": count,
        "seconds": seconds,
        "code": code,
        "text": text,
    }
    _tell(_ask(data, "POST", "faults", wish), as_json=as_json)


def faults(
    clear: Annotated[bool, typer.Option("--clear", help="Take all away.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the faults that still wait."""
    if clear:
        _ask(data, "DELETE", "faults", {})
    found = _ask(data, "GET", "faults")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table("id", "kind", "transaction", "institution", "left")
    for one in found:
        wish = one["wish"]
        table.add_row(
            str(one["id"]),
            wish["kind"],
            wish["number"] or "any",
            wish["institution"] or "any",
            str(one["left"]),
        )
    console.print(table)


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataFolder = None,
) -> None:
    """Put the world back to what it was when it was filled."""
    if not yes:
        typer.confirm(
            "All visits, settlements and people made since will be gone. Go on?", abort=True
        )
    _ask(data, "POST", "reset", {})
    console.print("The world is as it was when it was filled.")


def _ask(data: Path | None, method: str, tool: str, wish: Any = None) -> Any:
    """The answer of the running sandbox; exit code 1 with its reason when it refuses."""
    from yibao.cli.serving import served

    try:
        settings = served(load_settings({"data": data, "sandbox": True}))
        return _request(settings, method, f"/ui/api/{tool}", wish)
    except SettingsFault as fault:
        errors.print(f"[red]yibao:[/red] {fault}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _request(settings: Settings, method: str, path: str, wish: Any) -> Any:
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=120)
    headers = {"Content-Type": "application/json"}
    body = None if wish is None else json.dumps(wish).encode()
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        content = json.loads(told) if told else None
    except ValueError:
        raise SettingsFault(
            "serve",
            f"{settings.host}:{settings.port} answered {answer.status} in a form that no sandbox"
            " uses: look at its log",
        ) from None
    except (OSError, http.client.HTTPException):
        raise SettingsFault(
            "serve",
            f"no sandbox answers on {settings.host}:{settings.port}: "
            f"start one by `yibao serve --sandbox --data {settings.data}`",
        ) from None
    finally:
        connection.close()
    if answer.status >= 300:
        raise SettingsFault("sandbox", str((content or {}).get("detail", answer.reason)))
    return content


def _tell(told: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    table = Table(show_header=False)
    for name, value in told.items():
        table.add_row(name, json.dumps(value, ensure_ascii=False).strip('"'))
    console.print(table)
