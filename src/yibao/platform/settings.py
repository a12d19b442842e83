"""Settings: defaults, then a TOML file, then the environment, then what the command line says.

Every setting is a field of ``Settings``; its name in the environment is YIBAO_ and the field's
name in capitals, in the file the field's name. DATABASE_URL is read too, because hosts set it.
"""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

SECRETS = frozenset({"vault_key", "vault_keys_old", "vault_labels"})
DEFAULT_PORT = 8765


class SettingsFault(Exception):  # noqa: N818 - reads as a fact
    """A setting is missing or wrong; the text names it and says what to write."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs."""

    data: Path = Path("var")
    """Folder for the embedded database, the sandbox's key and run-time files."""
    database_url: str | None = None
    """A PostgreSQL 15 or later of one's own; None: the embedded one in ``data``."""
    vault_key: str | None = None
    """Master key for personal data, 64 hex digits; None: the file vault.key in ``data``."""
    vault_keys_old: str | None = None
    """Further keys that still open, or soon will seal: 64 hex digits each, separated by commas."""
    vault_labels: str | None = None
    """Label key, 64 hex digits; None: the oldest vault key's. Needed once that key is retired."""
    law: Path | None = None
    """Folder of the law's TOML files; None: the packaged ones."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    workers: int = 2
    """Server processes."""
    writers: int = 4
    """Database connections for commands, a process."""
    readers: int = 4
    """Database connections for queries, a process."""
    sandbox: bool = False
    """A world for trying out: artificial people and institutions, keys shown to anyone."""
    open_door: bool = False
    """Sandbox only: let in any sender, institution and person."""
    clock_skew: int = 900
    """Seconds that a request's timestamp may be off."""
    body_limit: int = 8 * 1024 * 1024
    """Bytes of the largest request that is read."""
    wanted_wait: int = 300
    """Milliseconds that an accepted call should take at most; when more come than can be answered
    within it, the rest are turned away at once ("not accepted, send the same message again")."""
    sender_rate: int = 1000
    """Calls a second of one sender, a process; 0: no limit."""
    unproved_rate: int | None = None
    """Calls a second from one address whose sender cannot be proved, a process; 0: no limit.
    None: 20, in a sandbox 0, because there people find out how signing goes."""
    proxies: str = ""
    """Addresses or networks of one's own reverse proxies, joined by commas: their X-Forwarded-For
    says where a call comes from."""
    connections: int = 8192
    """Open connections, a process; more wait until one ends."""
    shutdown_grace: int | None = None
    """Seconds between "not ready" and the end of accepting calls, for a load balancer to notice;
    None: 5, in a sandbox 0."""
    shutdown_limit: int = 30
    """Seconds that accepted calls get to finish once no more are accepted."""
    hot_months: int = 24
    """Whole months that stay in the database before they are put away as Parquet; 0: all stay."""
    archive: Path | None = None
    """Folder of the months that were put away; None: archive in ``data``."""
    access_days: int = 1096
    """Days for which the record of who saw which person is kept; 0: for good."""
    log_level: str = "info"
    log_format: str = "console"
    """``console`` for people, ``json`` for machines."""

    @property
    def guesses(self) -> int:
        """Unproved calls a second from one address; 0: no limit."""
        if self.unproved_rate is not None:
            return self.unproved_rate
        return 0 if self.sandbox else 20

    @property
    def grace(self) -> int:
        """Seconds between "not ready" and the end of accepting calls."""
        if self.shutdown_grace is not None:
            return self.shutdown_grace
        return 0 if self.sandbox else 5

    @property
    def archive_folder(self) -> Path:
        """Where the months lie that were put away."""
        return self.data / "archive" if self.archive is None else self.archive

    def masked(self) -> dict[str, str]:
        """All settings as text that may be shown to anyone."""
        return {field.name: _masked(field.name, getattr(self, field.name)) for field in _FIELDS}

    def environment(self) -> dict[str, str]:
        """The variables that give a child process these same settings."""
        given = {field.name: getattr(self, field.name) for field in _FIELDS}
        return {
            f"YIBAO_{name.upper()}": _as_text(value)
            for name, value in given.items()
            if value is not None
        }


_FIELDS = dataclasses.fields(Settings)


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings. ``overrides`` are the command line's (None means: not said).

    The file is the one that YIBAO_CONFIG names, else ``yibao.toml`` here, if there is one.
    Raises SettingsFault for an unknown name or a value that does not fit.
    """
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = dict(_from_file(variables))
    if variables.get("DATABASE_URL"):
        values["database_url"] = variables["DATABASE_URL"]
    for name in _NAMES:
        if variables.get(f"YIBAO_{name.upper()}"):
            values[name] = _parsed(name, variables[f"YIBAO_{name.upper()}"])
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    settings = Settings(**values)
    _check(settings)
    return settings


_NAMES: dict[str, Any] = {field.name: field.type for field in _FIELDS}


def _from_file(variables: Mapping[str, str]) -> dict[str, Any]:
    named = variables.get("YIBAO_CONFIG")
    path = Path(named) if named else Path("yibao.toml")
    if not path.exists():
        if named:
            raise SettingsFault("YIBAO_CONFIG", f"YIBAO_CONFIG names {path}, which does not exist")
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsFault(str(path), f"{path} is not TOML: {error}") from None
    unknown = sorted(set(content) - set(_NAMES))
    if unknown:
        known = ", ".join(_NAMES)
        raise SettingsFault(unknown[0], f"{path}: unknown setting {unknown[0]}; known are {known}")
    return {name: _parsed(name, _as_text(value)) for name, value in content.items()}


def _parsed(name: str, text: str) -> Any:
    kind = _NAMES[name]
    if kind in {Path, Path | None}:
        return Path(text)
    if kind in {int, int | None}:
        if not text.isascii() or not text.isdigit():
            raise SettingsFault(name, f"{name} must be a whole number, not {text!r}")
        return int(text)
    if kind is bool:
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise SettingsFault(name, f"{name} must be true or false, not {text!r}")
        return text.lower() in {"1", "true", "yes"}
    return text


def _check(settings: Settings) -> None:
    url = settings.database_url
    if url is not None and urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise SettingsFault("database_url", "DATABASE_URL must begin with postgresql://")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise SettingsFault("log_level", "log_level is one of debug, info, warning, error")
    if settings.log_format not in {"console", "json"}:
        raise SettingsFault("log_format", "log_format is console or json")
    if settings.open_door and not settings.sandbox:
        raise SettingsFault(
            "open_door",
            "open_door lets anybody in: it is for a sandbox alone (`yibao serve --sandbox --open`)",
        )
    _check_networks(settings.proxies)
    for name, low, high in (
        ("port", 0, 65_535),
        ("workers", 1, 64),
        ("writers", 1, 200),
        ("readers", 1, 200),
        ("wanted_wait", 10, 10_000),
        ("connections", 128, 1_000_000),
        ("shutdown_limit", 1, 1800),
        ("hot_months", 0, 1200),
    ):
        if not low <= getattr(settings, name) <= high:
            raise SettingsFault(name, f"{name} must lie in {low}..{high}")


def _check_networks(proxies: str) -> None:
    for one in filter(None, map(str.strip, proxies.split(","))):
        try:
            ip_network(one, strict=False)
        except ValueError:
            raise SettingsFault(
                "proxies", f"proxies must be addresses or networks joined by commas, not {one!r}"
            ) from None


def _masked(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in SECRETS:
        return "***"
    return mask_url(value) if name == "database_url" else _as_text(value)


def mask_url(url: str) -> str:
    """A database URL without its password, wherever it stands."""
    parts = urlsplit(url)
    place = parts.netloc
    if parts.password is not None:
        user, host = parts.netloc.rsplit("@", 1)
        place = f"{user.split(':', 1)[0]}:***@{host}"
    query = "&".join(
        "password=***" if pair.lower().startswith("password=") else pair
        for pair in parts.query.split("&")
    )
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
