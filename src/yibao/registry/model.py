"""What the rooms above ask of the registry on every call: catalogue and directory."""

from dataclasses import dataclass

from yibao.registry.catalogue.model import Catalogue
from yibao.registry.institutions.model import Directory


@dataclass(frozen=True, slots=True)
class Reference:
    """Reference data in memory; each part carries its version."""

    catalogue: Catalogue
    directory: Directory
