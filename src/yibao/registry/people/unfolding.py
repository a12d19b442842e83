"""A member of one row of the store: opened, with the timelines that are folded into JSON text."""

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.platform.access.sight import saw
from yibao.platform.crypto import Vault
from yibao.policy.terms import EntitlementExtent, Filing, IdentityKind, PersonType, Scheme
from yibao.registry.family.model import FamilyLink
from yibao.registry.people.model import (
    DesignatedInstitution,
    Enrolment,
    Entitlement,
    FiledCare,
    FiledDisease,
    Identity,
    Insured,
    Membership,
    SpecialIdentity,
    Trait,
)

if TYPE_CHECKING:
    from asyncpg import Record

# The rows that ``members`` folds into JSON text, in the order of its arrays.
_ENROLMENTS = msgspec.json.Decoder(
    list[
        tuple[
            Scheme, Division, PersonType, str | None, bool, date | None, date, date | None,
        ]
    ]
)  # fmt: skip
_ENTITLEMENTS = msgspec.json.Decoder(list[tuple[Scheme, EntitlementExtent, str, date, date | None]])
_SPECIAL_IDENTITIES = msgspec.json.Decoder(
    list[tuple[IdentityKind, str | None, str | None, date, date | None]]
)
_TRAITS = msgspec.json.Decoder(list[tuple[str, date, date | None]])
_FILINGS = msgspec.json.Decoder(list[tuple[Filing, Division | None, str | None, date, date | None]])
_DISEASES = msgspec.json.Decoder(list[tuple[str, str, str | None, date, date | None]])
_DESIGNATED = msgspec.json.Decoder(list[tuple[str, str, int, date, date | None]])
_PAID_BY = msgspec.json.Decoder(
    list[
        tuple[
            int, int, Pool, str, str, int, tuple[str, ...], int | None, int | None, date,
            date | None,
        ]
    ]
)  # fmt: skip
_SEALED = msgspec.json.Decoder(tuple[str, str])


def unfold_enrolments(text: str | None) -> tuple[Enrolment, ...]:
    """Enrolments from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        [
            Enrolment(
                scheme, division, person_type, Period(start, end), employer, civil_servant,
                retired_on,
            )
            for scheme, division, person_type, employer, civil_servant, retired_on, start, end
            in _ENROLMENTS.decode(text)
        ]
    )  # fmt: skip


def unfold_entitlements(text: str | None) -> tuple[Entitlement, ...]:
    """Entitlements from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        [
            Entitlement(scheme, extent, Period(start, end), reason)
            for scheme, extent, reason, start, end in _ENTITLEMENTS.decode(text)
        ]
    )


def unfold_special_identities(text: str | None) -> tuple[SpecialIdentity, ...]:
    """Special identities from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        [
            SpecialIdentity(kind, level, Period(start, end), note)
            for kind, level, note, start, end in _SPECIAL_IDENTITIES.decode(text)
        ]
    )


def unfold_traits(text: str | None) -> tuple[Trait, ...]:
    """Traits from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(Trait(word, Period(start, end)) for word, start, end in _TRAITS.decode(text))


def unfold_filings(text: str | None) -> tuple[FiledCare, ...]:
    """Filings from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        FiledCare(kind, Period(start, end), place, institution)
        for kind, place, institution, start, end in _FILINGS.decode(text)
    )


def unfold_diseases(text: str | None) -> tuple[FiledDisease, ...]:
    """Diseases on file from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        FiledDisease(code, name, Period(start, end), institution)
        for code, name, institution, start, end in _DISEASES.decode(text)
    )


def unfold_designated(text: str | None) -> tuple[DesignatedInstitution, ...]:
    """Chosen institutions from their folded form; None when there are none."""
    if text is None:
        return ()
    return tuple(
        DesignatedInstitution(institution, business, order, Period(start, end))
        for institution, business, order, start, end in _DESIGNATED.decode(text)
    )


def unfold_paid_by(relative: int, text: str | None) -> tuple[FamilyLink, ...]:
    """Links by which accounts pay for a human, from their folded form; None: there are none."""
    if text is None:
        return ()
    return tuple(
        FamilyLink(
            number, relative, owner, pool, member, relation, place, origins, bill_limit,
            year_limit, Period(start, end),
        )
        for number, owner, pool, member, relation, place, origins, bill_limit, year_limit, start,
            end in _PAID_BY.decode(text)
    )  # fmt: skip


def opened(vault: Vault, sealed: bytes) -> tuple[str, str]:
    """Document number and name of a sealed value."""
    return _SEALED.decode(vault.open(sealed))


def insured(vault: Vault, row: "Record") -> Insured:
    """The member of one row; noted as seen (``platform.access``)."""
    (
        pool, number, start, end, identity, document_type, sealed, gender, birth_date, ethnicity,
        died_on, enrolments, entitlements, special_identities, traits, filings, diseases,
        designated, paid_by,
    ) = row  # fmt: skip
    document_number, name = opened(vault, sealed)
    saw(identity, pool, number)
    return Insured(
        identity=Identity(
            identity, document_type, document_number, name, gender, birth_date, ethnicity, died_on
        ),
        membership=Membership(Pool(pool), number, identity, Period(start, end)),
        enrolments=unfold_enrolments(enrolments),
        entitlements=unfold_entitlements(entitlements),
        special_identities=unfold_special_identities(special_identities),
        traits=unfold_traits(traits),
        filings=unfold_filings(filings),
        diseases=unfold_diseases(diseases),
        designated=unfold_designated(designated),
        paid_by=unfold_paid_by(identity, paid_by),
    )
