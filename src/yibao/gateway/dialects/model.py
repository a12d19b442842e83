"""What a province's dialect of the interface says: values only, no behaviour.

The interface is one; provinces differ in spelling. A dialect (方言) is a file of such differences:
how a message reaches us, how fields are spelled, how an answer looks, who signs what. What a
transaction *does* is never a dialect's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from yibao.settlement.model import DEFAULT_PRACTICE, Practice


class CodeForm(StrEnum):
    """How ``infcode`` is written."""

    NUMBER = "number"
    TEXT = "text"


class Casing(StrEnum):
    """How names of fields and nodes are spelled."""

    TABLE = "table"
    """As the field tables have them: snake_case, camelCase in D00x and 62xx."""
    CAMEL = "camel"


class MessageIdRule(StrEnum):
    """What ``msgid`` of a request must look like."""

    FREE = "free"
    """Any text of up to 30 characters that is unique for its sender."""
    INSTITUTION = "institution"
    """It begins with ``fixmedins_code``."""


class ReferenceRule(StrEnum):
    """What ``inf_refmsgid`` of an answer is."""

    PLATFORM = "platform"
    """Division, time and a serial number of ours."""
    ECHO = "echo"
    """The sender's own ``msgid``."""


class EnvelopeSigning(StrEnum):
    """Whether ``cainfo`` of a request is checked."""

    WHEN_KEYED = "when_keyed"
    """When it is sent and we know a public key of the sender."""
    REQUIRED = "required"
    """Always: a message without one is refused."""
    NEVER = "never"


class CipherMode(StrEnum):
    """Mode of SM4 for encrypted content."""

    ECB = "ECB"
    CBC = "CBC"
    GCM = "GCM"


class FamilyPay(StrEnum):
    """Where an answer counts what relatives' accounts pay (``acct_mulaid_pay``)."""

    SEPARATE = "separate"
    """``psn_part_amt`` = ``acct_pay`` + ``acct_mulaid_pay`` + cash."""
    IN_ACCOUNT = "in_account"
    """Within ``acct_pay``."""
    IN_CASH = "in_cash"
    """Within the cash."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a value comes from."""

    confidence: str
    """A: two independent sources or more; B: one; C: reconstructed from one client's habits;
    ``inferred``: no source says so."""
    source: str
    """Tags of the sources, or why it was inferred."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """How requests are spelled, beyond what is tolerated everywhere."""

    message_id: MessageIdRule = MessageIdRule.FREE
    casing: Casing = Casing.TABLE
    """CAMEL: camelCase names are understood in every transaction."""
    synonyms: tuple[frozenset[str], ...] = ()
    """Names of one and the same field; whichever the table has is meant."""
    roots: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By transaction: node as it may be called → node of the table."""
    query: frozenset[str] = frozenset()
    """Transactions that may be asked by GET."""


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How answers are spelled."""

    code: CodeForm = CodeForm.NUMBER
    success_text: str | None = ""
    """``err_msg`` of a success."""
    refusal_code: int | None = None
    """``infcode`` of every refusal; None: the refusal's own number, which says more."""
    reference: ReferenceRule = ReferenceRule.PLATFORM
    output_as_text: bool = False
    """``output`` is JSON text instead of an object."""
    casing: Casing = Casing.TABLE
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Table's name → the province's name, instead of it."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Table's name → the province's name, beside it."""
    account_in_funds: bool = False
    """``fund_pay_sumamt`` counts what the personal account pays."""
    family_pay: FamilyPay = FamilyPay.SEPARATE
    """Where the amount of relatives' accounts (``acct_mulaid_pay``) counts in an answer."""
    extras: Mapping[str, str | None] = field(default_factory=dict)
    """Further fields of the envelope, with their fixed values."""

    @property
    def is_canonical(self) -> bool:
        """Whether an answer leaves just as the transactions write it."""
        return self == AnswerForm()


@dataclass(frozen=True, slots=True)
class Security:
    """Signatures and encryption inside the message."""

    envelope_signing: EnvelopeSigning = EnvelopeSigning.WHEN_KEYED
    unsigned_fields: frozenset[str] = frozenset({"cainfo", "input", "output"})
    """Top-level fields that the envelope's signature leaves out."""
    user_id: str = "1234567812345678"
    """SM2 user id (用户标识) of signatures."""
    sign_answers: bool = False
    """Answers carry our own signature in ``cainfo``, when we have a key for the sender."""
    content_mode: CipherMode = CipherMode.ECB
    """Mode of ``enc_type`` SM4."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One province's profile."""

    name: str
    """``guangdong``: the file's name."""
    title: str
    """``广东省``."""
    divisions: tuple[str, ...] = ()
    """Beginnings of division codes where it is spoken: ``44``; ``4403`` for a city of its own."""
    headers: tuple[str, ...] = ("x-tif", "csb", "oauth2")
    """Families of header authentication seen there; told to developers, not enforced."""
    urls: tuple[str, ...] = ()
    """Shapes of addresses seen there; told to developers, every path is accepted."""
    requests: RequestForm = RequestForm()
    answers: AnswerForm = AnswerForm()
    security: Security = Security()
    practice: Practice = DEFAULT_PRACTICE
    agents_checked: bool = False
    """An agent who files (代办人, 2505, 2507) must be one whom the member lets file."""
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    """Where each value comes from, by its key: ``answers.code``."""


GENERAL = Dialect(name="general", title="通用")
"""The national interface as most provinces speak it."""
