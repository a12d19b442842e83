"""What a policy office does with laws: keep, propose, release, withdraw, read back.

A release is a pointer and one row: it counts whole or not at all. Writing services run inside the
caller's transaction and take its instant as ``now`` (aware UTC); those that change what counts bump
the version of the laws, so that every cache sees the change with its commit.
"""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.law_book import LawBook, check_shared_counters, law_from_canonical
from yibao.policy.model import Law
from yibao.registry import store as versions
from yibao.registry.laws import store
from yibao.registry.laws.model import LawsInForce, Release, ReleasedLaw, ReleaseState

if TYPE_CHECKING:
    from asyncpg import Connection

_READ_LAWS = 64
"""Laws that a process keeps read: many bills share few laws."""


# -------------------------------------------------------------------------------------------- read


async def load_laws(connection: "Connection[Any]", packaged: LawBook) -> LawsInForce:
    """What bills are decided by, of one version. Raises LawError for a text that cannot be read."""

    async def read(version: int) -> LawsInForce:
        counting = [
            release
            for release in await store.releases(connection)
            if release.state is ReleaseState.RELEASED
        ]
        texts = await store.texts(
            connection, [bytes.fromhex(release.fingerprint) for release in counting]
        )
        counting.sort(key=lambda r: (r.effective_from, r.released_at, r.number), reverse=True)
        released: dict[Any, list[ReleasedLaw]] = {}
        for release in counting:
            law = _law_of(texts[bytes.fromhex(release.fingerprint)])
            timeline = released.setdefault((release.area, release.scheme), [])
            timeline.append(ReleasedLaw(release.effective_from, law))
        return LawsInForce(version, packaged, {key: tuple(laws) for key, laws in released.items()})

    return await versions.read_whole(connection, versions.LAWS, read)


async def law_by_fingerprint(connection: "Connection[Any]", fingerprint: str) -> Law | None:
    """A law that bills were decided by, read from its kept text; None when it was never kept."""
    text = await store.text(connection, bytes.fromhex(fingerprint))
    return None if text is None else _law_of(text)


async def laws_by_fingerprint(
    connection: "Connection[Any]", fingerprints: Sequence[str]
) -> dict[str, Law]:
    """Laws that bills were decided by, by fingerprint; those never kept lack."""
    texts = await store.texts(connection, [bytes.fromhex(f) for f in set(fingerprints)])
    return {fingerprint.hex(): _law_of(text) for fingerprint, text in texts.items()}


async def releases(connection: "Connection[Any]") -> list[Release]:
    """All releases, proposed, counting and withdrawn, in the order they were proposed."""
    return await store.releases(connection)


async def law_of_release(
    connection: "Connection[Any]", number: int
) -> tuple[Law, date, date | None]:
    """The law of a release, with the first day of bills it is for and the day that a later one of
    the same area and scheme takes over. Refused when there is no such release."""
    release = await _release(connection, number)
    law = await law_by_fingerprint(connection, release.fingerprint)
    assert law is not None, "the law of a release is kept"
    later = [
        other.effective_from
        for other in await store.releases(connection)
        if (other.area, other.scheme) == (release.area, release.scheme)
        and other.state is ReleaseState.RELEASED
        and other.effective_from > release.effective_from
    ]
    return law, release.effective_from, min(later, default=None)


# ------------------------------------------------------------------------------------------ change


async def keep(connection: "Connection[Any]", laws: Sequence[Law], *, now: datetime) -> None:
    """Keep the texts of laws under their fingerprints, for good."""
    by_fingerprint = {bytes.fromhex(law.fingerprint): law for law in laws}
    known = await store.known(connection, list(by_fingerprint))
    await store.keep(
        connection,
        [
            (fingerprint, law.area, law.scheme, law.canonical)
            for fingerprint, law in by_fingerprint.items()
            if fingerprint not in known
        ],
        now,
    )


async def propose(
    connection: "Connection[Any]",
    laws: Sequence[Law],
    *,
    effective_from: date,
    cases: int,
    by: str,
    reason: str,
    now: datetime,
) -> list[Release]:
    """Propose that laws count from a day on (拟发布); they do once another person releases them.

    Refused when a law no longer holds on that day, says nothing by then, or nobody is named.
    """
    _check_name(by)
    await keep(connection, laws, now=now)
    proposed = []
    for law in laws:
        if law.until is not None and effective_from >= law.until:
            raise Refused(
                RefusalCode.DATE_NOT_ALLOWED,
                f"{law.file} 自 {law.until} 起失效，不能自 {effective_from} 起施行",
                "effective_from",
                parameter="law.until",
                day=effective_from.isoformat(),
            )
        law.year_begin(effective_from)  # refused: the law says nothing on that day yet
        number = await store.insert_release(
            connection,
            (bytes.fromhex(law.fingerprint), law.area, law.scheme),
            effective_from,
            reason.strip(),
            cases,
            by.strip(),
            now,
        )
        proposed.append(await _release(connection, number))
    return proposed


async def release(
    connection: "Connection[Any]",
    numbers: Sequence[int],
    packaged: LawBook,
    *,
    by: str,
    now: datetime,
) -> list[Release]:
    """Let proposals count together (发布), by a second person; refused for who proposed one.

    Raises LawError when the laws that then count in an area contradict each other.
    """
    _check_name(by)
    await versions.bump(connection, versions.LAWS)  # also locks: no two change releases at once
    for number in numbers:
        proposal = await _release(connection, number)
        if proposal.state is not ReleaseState.PROPOSED:
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"发布 {number} 的状态为 {proposal.state.value}，只有待发布的可以发布",
                "release",
            )
        if _same_person(by, proposal.proposed_by):
            raise Refused(
                RefusalCode.FIELD_INVALID, f"发布须由另一人复核：{by} 是本次发布的提出人", "by"
            )
        await store.set_released(connection, number, by.strip(), now)
    return await _changed(connection, numbers, packaged)


async def withdraw(
    connection: "Connection[Any]",
    numbers: Sequence[int],
    packaged: LawBook,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> list[Release]:
    """Withdraw releases together (撤回): what counted before them counts again. Proposals too.

    Raises LawError when the laws that then count in an area contradict each other.
    """
    _check_name(by)
    if not reason.strip():
        raise Refused(RefusalCode.FIELD_MISSING, "撤回须说明原因", "reason")
    await versions.bump(connection, versions.LAWS)
    for number in numbers:
        if (await _release(connection, number)).state is ReleaseState.WITHDRAWN:
            raise Refused(RefusalCode.FIELD_INVALID, f"发布 {number} 已撤回", "release")
        await store.set_withdrawn(connection, number, by.strip(), reason.strip(), now)
    return await _changed(connection, numbers, packaged)


# ----------------------------------------------------------------------------------------- private


async def _release(connection: "Connection[Any]", number: int) -> Release:
    found = await store.release(connection, number)
    if found is None:
        raise Refused(RefusalCode.FIELD_INVALID, f"没有编号为 {number} 的发布", "release")
    return found


async def _changed(
    connection: "Connection[Any]", numbers: Sequence[int], packaged: LawBook
) -> list[Release]:
    """The releases as they are now, once what then counts is found to agree with itself."""
    changed = [await _release(connection, number) for number in numbers]
    in_force = await load_laws(connection, packaged)
    for area in {release.area for release in changed}:
        since = min(release.effective_from for release in changed if release.area == area)
        days = {since, *(day for day in in_force.turning_days(area) if day > since)}
        for day in sorted(days):
            check_shared_counters(in_force.beside(area, day))
    return changed


def _same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are typed."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _check_name(by: str) -> None:
    if not by.strip():
        raise Refused(RefusalCode.FIELD_MISSING, "须写明经办人", "by")


@lru_cache(maxsize=_READ_LAWS)
def _law_of(text: str) -> Law:
    """The law behind a kept text; the same object for the same text, which what is remembered of
    a law is remembered by."""
    return law_from_canonical(text)
