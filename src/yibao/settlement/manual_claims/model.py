"""A paper bill as a clerk enters it, and bills that it resembles. Amounts in fen."""

from datetime import date

from yibao.kernel.areas import Division
from yibao.kernel.frozen import Frozen
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Price, Quantity
from yibao.policy.terms import CareKind, Level, Scheme

OWN_EXPENSE = "OWN"
"""Item of a line that the home catalogue does not know or does not pay."""


class ClaimedLine(Frozen):
    """One line of a paper bill."""

    day: date
    item: str
    """National code of the home catalogue; ``OWN_EXPENSE``: none."""
    name: str
    quantity: Quantity
    price: Price
    amount: Fen
    approved: bool | None = None
    """Of an item limited in use: whether the use was one that counts."""


class ClaimedPlace(Frozen):
    """Where the care was: one of our institutions by its code, or any other by its name."""

    code: str | None
    name: str = ""
    level: Level = Level.THIRD
    division: Division | None = None
    """Of an institution that is not ours; abroad a division that no list has."""


class Claim(Frozen):
    """A paper bill (零星报销申请)."""

    member: str
    scheme: Scheme
    care_kind: CareKind
    place: ClaimedPlace
    first_day: date
    """Of the care: the admission of a stay."""
    discharged: date | None
    """Last day of a stay; None: it was outpatient care."""
    invoice: str
    total: Fen
    lines: tuple[ClaimedLine, ...]
    diagnosis: str
    disease: str | None = None
    """Chronic or special disease the care was for (``opsp_dise_code``)."""

    @property
    def last_day(self) -> date:
        """The last day of the care."""
        return self.discharged or self.first_day


class Release(Frozen):
    """Who entered and who released a claim, by which proposal."""

    proposal: PoolKey
    entered_by: str
    released_by: str
    remark: str | None = None
    """The releasing clerk's word on costs that resemble others."""


class Standing(Frozen):
    """A living settlement that may be of the same costs."""

    settlement: PoolKey
    invoice: str | None
    total: Fen
    first_day: date
    last_day: date | None
    """None: the person still lies there."""
    is_stay: bool


class Paper(Frozen):
    """A paper bill that was paid, as later bills are held against it."""

    settlement: PoolKey
    place: str
    invoice: str
    total: Fen
    funds: Fen
    """What the person was paid."""
    first_day: date
    discharged: date | None
    """Last day of a stay; None: it was outpatient care."""

    @property
    def last_day(self) -> date:
        """The last day of the care."""
        return self.discharged or self.first_day


class PaidTwice(Frozen):
    """An institution's bill that looks like costs paid on paper (疑似重复报销)."""

    bill: Standing
    settled_on: date
    cleared_as: str
    """Clearing class of the bill."""
    claimed: Fen
    """What the institution claims for it."""
    paper: Paper
    why: str
    """Chinese."""
