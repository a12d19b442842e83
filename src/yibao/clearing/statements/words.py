"""The statement's words in Chinese and English."""

from yibao.kernel.money import yuan
from yibao.registry.dictionaries.service import label

LANGUAGES = ("zh", "en")

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("月结算对账单", "Monthly statement"),
    "institution": ("医药机构", "Institution"),
    "bureau": ("经办统筹区", "Paying pool"),
    "month": ("清算年月", "Month"),
    "span": ("结算期间", "Span"),
    "made": ("打印时间", "Made"),
    "unit": ("金额单位：元", "Amounts in yuan"),
    "totals": ("按险种、清算类别合计", "By scheme and clearing class"),
    "days": ("按日明细", "By day"),
    "day": ("日期", "Day"),
    "scheme": ("险种", "Scheme"),
    "class": ("清算类别", "Class"),
    "settled": ("结算笔数", "Settled"),
    "cancelled": ("退费笔数", "Cancelled"),
    "total": ("医疗费总额", "Total fee"),
    "in_scope": ("政策范围内", "In scope"),
    "funds": ("基金支付", "Funds"),
    "account": ("个人账户", "Account"),
    "family": ("家庭共济", "Family"),
    "cash": ("现金", "Cash"),
    "hospital_part": ("医院承担", "Hospital"),
    "claimed": ("应付医院", "Claimed"),
    "sum": ("合计", "Sum"),
    "carried": ("承前页", "Brought forward"),
    "carry": ("过次页", "Carried forward"),
    "ledger_agrees": (
        "账簿应付{claimed}，现金{cash}，与结算一致。",
        "The ledger has {claimed} claimed and {cash} cash: equal to the settlements.",
    ),
    "ledger_differs": (
        "账簿应付{claimed}，现金{cash}，与结算相差{difference}（冲正跨月时另一月为相反数）。",
        "The ledger has {claimed} claimed and {cash} cash: {difference} from the settlements.",
    ),
    "clearing": ("清算审核", "Clearing"),
    "application": ("清算申请", "Application"),
    "state": ("状态", "State"),
    "state_applied": ("待审核", "under review"),
    "state_approved": ("已审核", "granted"),
    "state_refused": ("已退回", "given back"),
    "deducted": ("审核扣款", "Deducted"),
    "withheld": ("质量保证金", "Withheld"),
    "payable": ("清算应付", "Payable"),
    "set_off": ("冲抵预付金", "Set off"),
    "due": ("实际应拨", "Due"),
    "advanced": ("预付金", "Advanced"),
    "deductions": ("扣款明细", "Deductions"),
    "bill": ("结算ID", "Settlement"),
    "of_the_sum": ("按合计", "of the sum"),
    "amount": ("金额", "Amount"),
    "reason": ("原因", "Reason"),
    "accounts": ("往来账", "Accounts"),
    "purse": ("账户", "Account"),
    "opening": ("期初余额", "Opening"),
    "closing": ("期末余额", "Closing"),
    "now": ("打印日余额", "Balance now"),
    "what": ("事项", "What for"),
    "reference": ("业务编号", "Reference"),
    "word_review": ("清算审核", "review"),
    "word_advance": ("预付金拨付", "advance"),
    "word_assessment": ("年度考核", "year's assessment"),
    "word_payment": ("拨付", "payment"),
    "word_returned": ("银行退回", "returned by the bank"),
    "word_other": ("其他", "other"),
    "none": ("无", "none"),
    "colon": ("：", ": "),
    "page": ("第{page}页，共{pages}页", "page {page} of {pages}"),
    "stamp": ("经办机构（盖章）", "Bureau (stamp)"),
    "checked": ("医药机构核对（签章）", "Checked by the institution"),
    "previous": ("上月", "Previous month"),
    "next": ("下月", "Next month"),
    "as_csv": ("下载CSV", "Download CSV"),
    "as_pdf": ("下载PDF", "Download PDF"),
}


class StatementWords:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, name: str, **values: object) -> str:
        """The words for a name, ``values`` filled in."""
        return _WORDS[name][self._place].format(**values)

    def scheme(self, code: str) -> str:
        """A scheme (险种); by its code where we have no words for it."""
        return self._listed("insutype", code)

    def cleared_as(self, code: str) -> str:
        """A clearing class (清算类别); by its code where we have no words for it."""
        return self._listed("clr_type", code)

    def _listed(self, table: str, code: str) -> str:
        known = label(table, code) if self.language == "zh" else _ENGLISH.get((table, code))
        return known or code

    @staticmethod
    def money(amount: int) -> str:
        """Yuan with thousands marked: 1,234,567.89."""
        whole, decimals = yuan(abs(amount)).split(".")
        return f"{'-' if amount < 0 else ''}{int(whole):,}.{decimals}"


_ENGLISH = {
    ("insutype", "310"): "employees (310)",
    ("insutype", "390"): "residents (390)",
    ("clr_type", "11"): "outpatient",
    ("clr_type", "21"): "inpatient",
    ("clr_type", "41"): "pharmacy",
}
