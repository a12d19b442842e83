"""The sandbox's tools as pages and as JSON: people, clock, faults, the world put back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter

from yibao.kernel.periods import instant_of, local_time
from yibao.kernel.refusals import RefusalCode
from yibao.web.messages import Form
from yibao.web.model import Desk, Fault, FaultWish, PersonWish, ToolRefused
from yibao.web.pages import Asked, AtDesk, page, words_for
from yibao.web.protection import check_form, check_program

PEOPLE_SHOWN = 60

# ----------------------------------------------------------------------------------------- people


@get("/ui/people")
async def list_people(request: Asked, desk: AtDesk, pool: FromQuery[str] = "") -> Response[str]:
    """Invented people and institutions with everything that a call needs."""
    return await _people_page(request, desk, pool)


@post("/ui/people/voucher", status_code=200)
async def show_voucher(request: Asked, desk: AtDesk, data: Form) -> Response[str]:
    """Let a person show a QR code and a card."""
    check_form(request, desk.token, data.get("token", ""))
    try:
        shown = await desk.tools.show_vouchers(data.get("certno", ""))
    except ToolRefused:
        raise NotFoundException("fault.not_found") from None
    return await _people_page(request, desk, "", shown)


async def _people_page(
    request: Asked, desk: Desk, pool: str, shown: Mapping[str, Any] | None = None
) -> Response[str]:
    accounts = await desk.tools.accounts()
    persons = [row for row in accounts["persons"] if pool in ("", row["pool"])]
    return page(
        request,
        desk,
        "people.html",
        {
            "persons": persons[:PEOPLE_SHOWN],
            "families": [row for row in accounts["families"] if pool in ("", row["pool"])],
            "institutions": accounts["institutions"],
            "pools": sorted({row["pool"] for row in accounts["persons"]}),
            "pool": pool,
            "shown": shown,
        },
    )


# ------------------------------------------------------------------------------------ one page


@get("/ui/tools")
async def show_tools(request: Asked, desk: AtDesk) -> Response[str]:
    """All tools on one page."""
    return _tools_page(request, desk)


def _tools_page(
    request: Asked,
    desk: Desk,
    *,
    created: Mapping[str, Any] | None = None,
    done: str = "",
    trouble: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response[str]:
    values = {
        "now": local_time(desk.tools.now()),
        "is_set": desk.tools.is_set(),
        "faults": desk.tools.faults(),
        "refusals": [(int(code), code.name) for code in RefusalCode],
        "created": created,
        "done": done,
        "trouble": trouble,
        "typed": typed or {},
    }
    return page(request, desk, "tools.html", values, status=400 if trouble else 200)


@post("/ui/tools/{tool:str}", status_code=200)
async def use_tool(request: Asked, desk: AtDesk, tool: FromPath[str], data: Form) -> Response[str]:
    """A form of the tools page."""
    check_form(request, desk.token, data.pop("token", ""))
    filled = {name: value.strip() for name, value in data.items() if value.strip()}
    try:
        if tool == "person":
            wish = msgspec.convert(filled, PersonWish, strict=False)
            return _tools_page(request, desk, created=await desk.tools.create_person(wish))
        if tool == "fault":
            desk.tools.inject(msgspec.convert(filled, FaultWish, strict=False))
        elif tool == "faults":
            desk.tools.clear_faults(int(filled["id"]) if "id" in filled else None)
        elif tool == "clock":
            _set_clock_by_form(desk, filled)
        elif tool == "reset":
            if "sure" not in filled:
                return _tools_page(request, desk)
            await desk.tools.reset()
            return _tools_page(request, desk, done="tools.reset_done")
    except (ToolRefused, msgspec.ValidationError, ValueError, OverflowError) as fault:
        chinese = fault.chinese if isinstance(fault, ToolRefused) else ""
        trouble = words_for(request).either(chinese or str(fault), str(fault))
        return _tools_page(request, desk, trouble=trouble, typed=data)
    return _tools_page(request, desk)


def _set_clock_by_form(desk: Desk, filled: Mapping[str, str]) -> None:
    if "to" in filled:
        local = datetime.fromisoformat(filled["to"])
        desk.tools.set_clock(instant_of(local), running="running" in filled)
    elif "days" in filled:
        desk.tools.set_clock(desk.tools.now() + timedelta(days=int(filled["days"])))
    else:
        desk.tools.set_clock(None)


# ---------------------------------------------------------------------------------------- as JSON


class VoucherWish(msgspec.Struct, forbid_unknown_fields=True):
    """Whose vouchers are to be shown."""

    certno: str


class ClockWish(msgspec.Struct, forbid_unknown_fields=True):
    """``to`` (a day or an instant: aware, or Beijing time) or ``days`` and ``seconds`` from now;
    nothing: real time."""

    to: str | None = None
    days: int = 0
    seconds: int = 0
    running: bool = True


@dataclass(frozen=True, slots=True)
class ClockTold:
    """The sandbox's time."""

    now: datetime
    business_date: date
    is_set: bool


@get("/ui/api/accounts")
async def api_accounts(desk: AtDesk) -> Mapping[str, Any]:
    """Institutions with keys, persons, items."""
    return await desk.tools.accounts()


@post("/ui/api/people")
async def api_create_person(request: Asked, desk: AtDesk) -> Mapping[str, Any]:
    """Create a person; answers names and numbers to call with."""
    check_program(request)
    wish = await _wish(request, PersonWish)
    try:
        return await desk.tools.create_person(wish)
    except ToolRefused as refused:
        raise ClientException(str(refused)) from None


@post("/ui/api/vouchers")
async def api_show_vouchers(request: Asked, desk: AtDesk) -> Mapping[str, Any]:
    """A QR code's text and a card of a person."""
    check_program(request)
    wish = await _wish(request, VoucherWish)
    try:
        return await desk.tools.show_vouchers(wish.certno)
    except ToolRefused as refused:
        raise ClientException(str(refused)) from None


@get("/ui/api/clock")
async def api_clock(desk: AtDesk) -> ClockTold:
    """The sandbox's time."""
    return _clock_told(desk)


@post("/ui/api/clock", status_code=200)
async def api_set_clock(request: Asked, desk: AtDesk) -> ClockTold:
    """Set or move the clock; an empty object gives it the machine's time back."""
    check_program(request)
    wish = await _wish(request, ClockWish)
    instant: datetime | None = None
    try:
        if wish.to is not None:
            told = datetime.fromisoformat(wish.to)
            instant = told if told.tzinfo is not None else instant_of(told)
        elif wish.days or wish.seconds:
            instant = desk.tools.now() + timedelta(days=wish.days, seconds=wish.seconds)
        desk.tools.set_clock(instant, running=wish.running)
    except (ToolRefused, ValueError, OverflowError) as fault:
        raise ClientException(str(fault)) from None
    return _clock_told(desk)


def _clock_told(desk: Desk) -> ClockTold:
    now = desk.tools.now()
    return ClockTold(now, local_time(now).date(), desk.tools.is_set())


@get("/ui/api/faults")
async def api_faults(desk: AtDesk) -> list[Fault]:
    """The faults that wait."""
    return list(desk.tools.faults())


@post("/ui/api/faults")
async def api_inject(request: Asked, desk: AtDesk) -> Fault:
    """Let something go wrong with the next messages that fit."""
    check_program(request)
    try:
        return desk.tools.inject(await _wish(request, FaultWish))
    except ToolRefused as refused:
        raise ClientException(str(refused)) from None


@delete("/ui/api/faults", status_code=204)
async def api_clear_faults(
    request: Asked,
    desk: AtDesk,
    fault: Annotated[int | None, QueryParameter(name="id")] = None,
) -> None:
    """Take one fault away, or all."""
    check_program(request)
    desk.tools.clear_faults(fault)


@post("/ui/api/reset", status_code=204)
async def api_reset(request: Asked, desk: AtDesk) -> None:
    """Put the world back to its seeded state."""
    check_program(request)
    try:
        await desk.tools.reset()
    except ToolRefused as refused:
        raise ClientException(str(refused)) from None


async def _wish(request: Request[Any, Any, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.MsgspecError as fault:
        raise ClientException(str(fault)) from None


HANDLERS = [
    list_people,
    show_voucher,
    api_show_vouchers,
    show_tools,
    use_tool,
    api_accounts,
    api_create_person,
    api_clock,
    api_set_clock,
    api_faults,
    api_inject,
    api_clear_faults,
    api_reset,
]
