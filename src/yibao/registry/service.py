"""The registry's reference data, cached exactly: who asks after a change's commit sees it."""

import asyncio
from typing import TYPE_CHECKING, Any

from yibao.platform.crypto import Vault
from yibao.policy.law_book import LawBook
from yibao.registry import store
from yibao.registry.catalogue.service import load_catalogue
from yibao.registry.institutions.service import load_directory
from yibao.registry.laws.service import load_laws
from yibao.registry.model import Reference

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["Reference", "ReferenceCache"]


class ReferenceCache:
    """Keeps the last reference of this process; asks the version rows each time."""

    def __init__(self, vault: Vault, packaged: LawBook | None = None) -> None:
        """``packaged`` are the laws that count where no release does."""
        self._vault = vault
        self._packaged = packaged or LawBook({})
        self._reference: Reference | None = None
        self._loading = asyncio.Lock()

    async def current(self, connection: "Connection[Any]") -> Reference:
        """The reference as this connection's transaction sees it; reloads only what changed."""
        wanted = await store.versions(connection)
        reference = self._reference
        if reference is None or not _is(reference, wanted):
            async with self._loading:  # the others wait for the one that loads
                reference = await self._load(connection)
        return reference

    async def _load(self, connection: "Connection[Any]") -> Reference:
        wanted = await store.versions(connection)
        known = self._reference
        if known is not None and _is(known, wanted):
            return known
        catalogue = None if known is None else known.catalogue
        if catalogue is None or catalogue.version != wanted[store.CATALOGUE]:
            catalogue = await load_catalogue(connection)
        directory = None if known is None else known.directory
        if directory is None or directory.version != wanted[store.INSTITUTIONS]:
            directory = await load_directory(connection, self._vault)
        laws = None if known is None else known.laws
        if laws is None or laws.version != wanted[store.LAWS]:
            laws = await load_laws(connection, self._packaged)
        self._reference = Reference(catalogue, directory, laws)
        return self._reference


def _is(reference: Reference, wanted: dict[str, int]) -> bool:
    return (
        reference.catalogue.version == wanted[store.CATALOGUE]
        and reference.directory.version == wanted[store.INSTITUTIONS]
        and reference.laws.version == wanted[store.LAWS]
    )
