"""Clearing by a clerk: review, payment, confirmation, advances, retention."""

from yibao.bureau.model import Kind

KINDS: tuple[Kind, ...] = ()
