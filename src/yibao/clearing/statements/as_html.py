"""The statement as HTML: a fragment for a page, or a page of its own to print."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from yibao.clearing.statements.model import Statement
from yibao.clearing.statements.words import StatementWords
from yibao.kernel.periods import local_time

COUNTS = ("settled", "cancelled")
AMOUNTS = (
    "total", "in_scope", "funds", "account", "family", "cash", "hospital_part", "claimed",
)  # fmt: skip
REVIEWED = ("claimed", "deducted", "withheld", "payable", "set_off", "due")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("yibao.clearing.statements", "templates"),
        autoescape=True,  # a deduction's reason is whatever a clerk wrote
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> str:
    """The statement's style sheet, for screen and paper."""
    return (files("yibao.clearing.statements") / "statement.css").read_text("utf-8")


def fragment(statement: Statement, language: str = "zh") -> str:
    """What stands inside a page's body."""
    values: dict[str, Any] = {
        "s": statement,
        "t": StatementWords(language),
        "made": f"{local_time(statement.made_at):%Y-%m-%d %H:%M}",
        "counts": list(COUNTS),
        "amounts": list(AMOUNTS),
        "reviewed": list(REVIEWED),
    }
    return _environment().get_template("statement.html").render(values)


def page(statement: Statement, language: str = "zh") -> str:
    """A page of its own that loads nothing from anywhere."""
    t = StatementWords(language)
    title = f"{t('title')} {statement.institution} {statement.month}"
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>\n{_BODY}{style()}</style>\n</head>\n"
        f"<body>\n<main>\n{fragment(statement, language)}\n</main>\n</body>\n</html>\n"
    )


_BODY = (
    'body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",'
    " sans-serif; margin: 0; }\nmain { max-width: 80rem; margin: 0 auto; padding: 1.5rem; }\n"
)
