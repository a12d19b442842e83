"""An answer in the manner of its request: the dialect's spelling, encrypted, signed, wrapped."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from yibao.gateway.content_encryption import SM4, ContentCipher
from yibao.gateway.dialects.model import GENERAL, CodeForm, Dialect, ReferenceRule
from yibao.gateway.dialects.rendering import Render, renderer_of
from yibao.gateway.envelope import Answer, answer_fields, write_answer
from yibao.gateway.envelope_signature import sign_envelope
from yibao.gateway.outer_message import OuterManner, wrap
from yibao.kernel.frozen import replace
from yibao.registry.institutions.model import SenderKey


@dataclass(slots=True)
class Manner:
    """What is known of how the answer must look; more of it the further a message came."""

    dialect: Dialect = GENERAL
    cipher: ContentCipher | None = None
    signer: SenderKey | None = None
    """Our key for this sender, where the dialect wants answers signed."""
    outer: OuterManner | None = None


def write_reply(answer: Answer, message_id: str, responded: datetime, manner: Manner) -> bytes:
    """The bytes of an answer; ``message_id`` is the request's."""
    dialect = manner.dialect
    render, plain = _forms.get(dialect.name) or _form(dialect)
    if render is not None and answer.output is not None:
        answer = replace(answer, output=render(answer.output))
    if plain and manner.cipher is None and manner.signer is None and manner.outer is None:
        return write_answer(answer, responded)
    fields = _spelled(answer, message_id, responded, dialect)
    if manner.outer is not None:
        return wrap(fields, manner.outer, responded)
    if manner.cipher is not None and fields["output"] is not None:
        text = fields["output"]
        content = text.encode() if type(text) is str else msgspec.json.encode(text)
        fields |= {"output": manner.cipher.encrypt(content), "enctype": SM4}
    if manner.signer is not None:
        sign_envelope(fields, manner.signer, dialect.security)
    return msgspec.json.encode(fields)


_forms: dict[str, tuple[Render | None, bool]] = {}


def _form(dialect: Dialect) -> tuple[Render | None, bool]:
    """How a dialect spells outputs, and whether its envelope is the national one."""
    _forms[dialect.name] = found = (renderer_of(dialect), _envelope_is_plain(dialect))
    return found


def _envelope_is_plain(dialect: Dialect) -> bool:
    form = dialect.answers
    return (
        form.code is CodeForm.NUMBER
        and form.success_text == ""
        and form.refusal_code is None
        and form.reference is ReferenceRule.PLATFORM
        and not form.output_as_text
        and not form.extras
    )


def _spelled(
    answer: Answer, message_id: str, responded: datetime, dialect: Dialect
) -> dict[str, Any]:
    """The envelope as the dialect writes it."""
    form = dialect.answers
    fields = answer_fields(answer, responded)
    if answer.code == 0 and not answer.error:
        fields["err_msg"] = form.success_text
    if answer.code > 0 and form.refusal_code is not None:
        fields["infcode"] = form.refusal_code
    if form.code is CodeForm.TEXT:
        fields["infcode"] = str(fields["infcode"])
    if form.reference is ReferenceRule.ECHO and message_id:
        fields["inf_refmsgid"] = message_id
    if form.output_as_text and answer.output is not None:
        fields["output"] = msgspec.json.encode(answer.output).decode()
    for name, value in form.extras.items():
        fields.setdefault(name, value)
    return fields
