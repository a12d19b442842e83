"""What the rooms above ask of the registry on every call: catalogue, directory, laws."""

from dataclasses import dataclass

from yibao.registry.catalogue.model import Catalogue
from yibao.registry.institutions.model import Directory
from yibao.registry.laws.model import LawsInForce


@dataclass(frozen=True, slots=True)
class Reference:
    """Reference data in memory; each part carries its version."""

    catalogue: Catalogue
    directory: Directory
    laws: LawsInForce
