"""What lies sealed in the database, and by which keyed hashes people are found: the one list.

A test compares it with the schema: a new column of bytes must be named here, as sealed, as a
look-up key, or as neither with the reason why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from yibao.platform.access.record import CHAIN

if TYPE_CHECKING:
    from asyncpg import Record


@dataclass(frozen=True, slots=True)
class LookUp:
    """A column by which rows are found, made of what is sealed beside it."""

    column: str
    parts: "Callable[[Record, str], tuple[str, ...]]"
    """What ``Vault.look_up_key`` is made of: from the row and its opened value."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed column, with the look-up keys that follow from it."""

    table: str
    column: str = "sealed"
    look_ups: tuple[LookUp, ...] = ()
    besides: tuple[str, ...] = ()
    """Further columns that the look-up keys are made of."""
    inside: str | None = None
    """The sealed value is hexadecimal text in a jsonb column, under this name."""
    where: str = "TRUE"
    """Which rows have it, where not all do."""
    purpose: str = ""
    """What it is sealed for, where it is believed because it opens."""

    @property
    def value(self) -> str:
        """The sealed bytes, as SQL."""
        if self.inside is None:
            return f"t.{self.column}"
        return f"decode(t.{self.column} ->> '{self.inside}', 'hex')"

    @property
    def new_value(self) -> str:
        """What the column becomes with the bytes ``n.sealed``, as SQL."""
        if self.inside is None:
            return "n.sealed"
        return f"jsonb_set(t.{self.column}, '{{{self.inside}}}', to_jsonb(encode(n.sealed, 'hex')))"


def _document(row: "Record", opened: str) -> tuple[str, ...]:
    return row["document_type"], msgspec.json.decode(opened)[0].strip().upper()


def _card_number(_: "Record", opened: str) -> tuple[str, ...]:
    return "card", msgspec.json.decode(opened)[0]


def _card_serial(_: "Record", opened: str) -> tuple[str, ...]:
    return "card serial", msgspec.json.decode(opened)[1]


SEALED: tuple[Sealed, ...] = (
    Sealed(
        "registry.identity",
        look_ups=(LookUp("document_key", _document),),
        besides=("document_type",),
    ),
    Sealed(
        "registry.card",
        look_ups=(LookUp("number_key", _card_number), LookUp("serial_key", _card_serial)),
    ),
    Sealed("registry.sender_key"),
    Sealed("registry.declaration"),
    Sealed("registry.practitioner"),
    Sealed("platform.file"),
    Sealed("platform.message", "reference", inside="token", where="t.transaction = '1162'"),
    Sealed("uploads.document", "content"),
    Sealed("supervision.finding", "content"),
    Sealed("supervision.answer", "reason"),
    Sealed("inventory.movement"),
    Sealed("prescriptions.prescription", "content"),
    Sealed("prescriptions.event"),
    Sealed("payments.payment_order", "content"),
    Sealed("bureau.clerk", "sealed_name"),
    Sealed("bureau.proposal", "sealed_content"),
    Sealed("bureau.decision", "sealed_result"),
    Sealed("clearing.payee_account", "sealed_holder"),
    Sealed("clearing.payee_account", "sealed_account"),
    Sealed("clearing.payment", "sealed_holder"),
    Sealed("clearing.payment", "sealed_account"),
    Sealed("safety.access_block", purpose=CHAIN),
    Sealed("safety.access_removal", purpose=CHAIN),
)

NOT_SEALED: Mapping[str, str] = {
    "platform.message.digest": "digest of a message's input",
    "registry.credential_code.code_key": "hash of a random code: nobody can guess one",
    "registry.credential_token.token_key": "hash of a random token",
    "registry.credential_token.code_key": "hash of a random code",
    "registry.law.fingerprint": "digest of a law's text",
    "registry.law_release.fingerprint": "digest of a law's text",
    "settlement.settlement.law": "digest of a law's text",
    "uploads.document.record": "hash of institutions' own numbers, under the label key",
    "uploads.document.own_visit": "hash of an institution's own number, under the label key",
    "prescriptions.prescription.scan_key": "hash of a code that nobody can guess",
    "payments.payment_order.digest": "digest of what was sent",
    "safety.access_block.before": "link of a chain",
    "safety.access_block.link": "link of a chain",
    "accounts.credit.basis": "digest of what a month's credit was reckoned from",
    "clearing.run.digest": "digest of a bank file",
    "bureau.clerk.salt": "random",
    "bureau.clerk.hashed_key": "salted hash of a clerk's key",
    "ledger.block.digests": "digests of entries",
    "ledger.block.content": "digest of a block",
    "ledger.block.previous": "link of a chain",
    "ledger.block.hash": "link of a chain",
    "ledger.head.previous": "link of a chain",
    "ledger.head.hash": "link of a chain",
    "ledger.head.hashes": "links of chains",
    "ledger.head.public_key": "public",
    "ledger.head.signature": "public",
    "platform.archived_month.public_key": "public",
    "platform.archived_month.signature": "public",
    "loading.loaded.digest": "hash of a row's content, under the label key",
    "loading.run.digest": "digest of a file",
}
"""Columns of bytes that need no new seal, each with the reason."""
