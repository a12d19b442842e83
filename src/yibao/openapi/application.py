"""The REST interface as one ASGI application under ``/api``; described by OpenAPI."""

from typing import Any

from litestar import Litestar, Response, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from yibao import __version__
from yibao.openapi import (
    accounts,
    bills,
    family,
    persons,
    proposals,
    representatives,
    sessions,
)
from yibao.openapi.model import House
from yibao.openapi.problems import problem_of

PATH = "/api/v1"

HANDLERS: tuple[Any, ...] = (
    sessions.open_session,
    sessions.sign_clerk_in,
    persons.me,
    bills.bills,
    bills.bill,
    bills.explanation,
    accounts.account,
    accounts.movements,
    *family.HANDLERS,
    *representatives.HANDLERS,
    *proposals.HANDLERS,
)


def rest(house: House) -> Litestar:
    """The application over the rooms of ``house``."""

    def the_house() -> House:
        return house

    return Litestar(
        [Router(PATH, route_handlers=list(HANDLERS))],
        dependencies={"house": Provide(the_house, sync_to_thread=False)},
        signature_types=[House],
        exception_handlers={Exception: problem_of},
        after_request=_never_kept,
        openapi_config=OpenAPIConfig(
            title="Yibao",
            version=__version__,
            description="REST for apps of a medical-insurance platform. Money is yuan as text.",
            path=f"{PATH}/openapi",
            render_plugins=[],
            use_handler_docstrings=True,
            security=[{"bearer": []}],
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
        logging_config=None,
    )


def _never_kept(response: Response[Any]) -> Response[Any]:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
