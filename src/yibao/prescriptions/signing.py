"""The platform's signature over a prescription's file.

A keyed hash (HMAC over SM3 with the vault's key) until the platform has a certificate of its own:
an SM2 signer takes the place of ``sign`` and nothing else changes, because what was signed is
remembered with the signature and compared when the file is uploaded.
"""

import base64
import hashlib
from dataclasses import dataclass

from yibao.platform.crypto import Vault


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the file it is for."""

    text: str
    """``signDigest``."""
    file_digest: str
    certificate_number: str
    certificate_name: str


def sign(vault: Vault, institution: str, value: str, file: str) -> Signature:
    """Sign what is to be signed together with the file it belongs to."""
    digest = file_digest(file)
    keyed = vault.fingerprint("prescription signature", institution, value, digest)
    return Signature(
        base64.b64encode(keyed).decode(), digest, "HMAC-SM3", "CN=Yibao keyed hash, no certificate"
    )


def file_digest(file: str) -> str:
    """What a file is recognised by: SHA-256 of its text without white space."""
    return hashlib.sha256("".join(file.split()).encode()).hexdigest()
