"""A comparison as one HTML page: no script, nothing from elsewhere, made for phones and paper."""

from html import escape

from yibao.analysis import charts
from yibao.analysis.charts import Bar, both
from yibao.analysis.labels import (
    DIMENSIONS,
    Label,
    bin_name,
    compact,
    money,
    name_of,
    percent,
    signed,
)
from yibao.analysis.model import Comparison, LawLabel, PayerChange, Sums
from yibao.analysis.report import rows_by, trimmed

_STYLE = """
:root{--ink:#1c2733;--soft:#5b6b7b;--line:#d8dfe6;--before:#9aa9b8;--after:#1f5fa8;--less:#14808f;
--more:#c8572a;--same:#b9c3cc}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:#f4f6f8;line-height:1.5;
font-family:system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",
"WenQuanYi Zen Hei",sans-serif}
main{max-width:900px;margin:0 auto;padding:16px}
h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.1rem;margin:0 0 .6em}
section{background:#fff;border:1px solid var(--line);border-radius:8px;padding:16px;margin:14px 0}
.soft,.said,caption{color:var(--soft)}.note{font-size:.88rem}
.artificial{background:#fff6d6;border-color:#e2c766}
.languages{float:right;font-size:.9rem}.languages label{cursor:pointer;margin-left:.6em}
#zh:checked~main .en,#en:checked~main .zh{display:none}
input[name=language]{position:absolute;opacity:0}
#zh:checked~main label[for=zh],#en:checked~main label[for=en]{font-weight:700;
text-decoration:underline}
input:focus-visible~main .languages{outline:2px solid var(--after)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px}
.card{border:1px solid var(--line);border-radius:8px;padding:10px}
.card b{display:block;font-size:1.25rem}
.bar{display:grid;grid-template-columns:11rem 1fr 12rem;gap:2px 10px;align-items:center;
padding:3px 0;font-size:.9rem;break-inside:avoid}
.bar svg{width:100%;display:block}.said{text-align:right;font-variant-numeric:tabular-nums}
.columns{width:100%;max-width:640px;display:block}.columns text{font-size:12px;fill:var(--soft)}
.before{fill:var(--before)}.after{fill:var(--after)}.less{fill:var(--less)}.more{fill:var(--more)}
.same{fill:var(--same)}.axis{stroke:var(--soft);stroke-width:1;vector-effect:non-scaling-stroke}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .3em 0 .8em}
.key.before{background:var(--before)}.key.after{background:var(--after)}
.key.less{background:var(--less)}.key.more{background:var(--more)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.86rem}
th,td{padding:4px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:7rem}
details summary{cursor:pointer;color:var(--soft);margin-top:10px}
code{overflow-wrap:anywhere}
@media(max-width:640px){main{padding:8px}section{padding:12px;margin:10px 0}
.bar{grid-template-columns:1fr auto}.bar svg{grid-column:1/3;grid-row:2}}
@media print{body{background:#fff}section{border:0;padding:0;break-inside:avoid-page}
.languages{display:none}.wide{overflow:visible}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

_KEY = (
    '<p class="note soft"><span class="key before"></span>'
    + both(Label("A 现行", "A before"))
    + '<span class="key after"></span>'
    + both(Label("B 方案", "B after"))
    + "</p>"
)


def as_page(comparison: Comparison, language: str = "zh") -> str:
    """The page; ``language`` (zh, en) is the one it opens in."""
    chosen = {name: " checked" if name == language else "" for name in ("zh", "en")}
    title = Label("医保待遇方案测算", "What if: two benefit laws compared")
    body = "".join(
        (
            '<p class="languages"><label for="zh">中文</label><label for="en">English</label></p>',
            f"<h1>{both(title)}</h1>",
            _laws(comparison),
            _artificial(comparison),
            _headline(comparison),
            _payers(comparison),
            _changes(comparison),
            *(_groups(comparison, dimension) for dimension in DIMENSIONS),
            _deciles(comparison),
            _refusals(comparison),
            _method(comparison),
        )
    )
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title.chinese)} · {escape(title.english)}</title>"
        f"<style>{_STYLE}</style></head><body>"
        f'<input type="radio" name="language" id="zh"{chosen["zh"]} aria-label="中文">'
        f'<input type="radio" name="language" id="en"{chosen["en"]} aria-label="English">'
        f"<main>{body}</main></body></html>\n"
    )


def _laws(comparison: Comparison) -> str:
    facts = comparison.population
    said = Label(
        f"{facts.bills:,} 张单据，{facts.persons:,} 人，{facts.first_day} 至 {facts.last_day}"
        f"（{facts.source}）",
        f"{facts.bills:,} bills of {facts.persons:,} persons, {facts.first_day} to "
        f"{facts.last_day} ({facts.source})",
    )
    return (
        f"<p><b>A</b> {_law(comparison.before)}<br><b>B</b> {_law(comparison.after)}<br>"
        f"{both(said)}</p>"
    )


def _law(law: LawLabel) -> str:
    where = f"{law.area}/{law.scheme}, {law.file}, {law.fingerprint[:12]}"
    return f'{escape(law.title)} <span class="soft note">{escape(where)}</span>'


def _artificial(comparison: Comparison) -> str:
    if not comparison.population.artificial:
        return ""
    said = Label(
        "虚拟数据：单据由程序生成，不对应任何真实人员，也不代表任何地区。",
        "Artificial data: the bills were generated; they are of no real person and no real area.",
    )
    return f'<section class="artificial">{both(said)}</section>'


def _headline(comparison: Comparison) -> str:
    sums = comparison.compared
    funds = sums.funds_after - sums.funds_before
    same = sums.persons - sums.winners - sums.losers
    cards = (
        (Label("基金支出变化", "Fund spending"), _change(funds, sums.funds_before)),
        (Label("个人负担变化", "Personal burden"), _change(sums.change, sums.personal_before)),
        (Label("负担减轻", "Pay less"), _persons(sums.winners, sums.persons)),
        (Label("负担加重", "Pay more"), _persons(sums.losers, sums.persons)),
        (Label("不变", "The same"), _persons(same, sums.persons)),
    )
    shown = "".join(
        f'<div class="card">{both(name)}{both(value, "b")}</div>' for name, value in cards
    )
    return f'<section><div class="cards">{shown}</div></section>'


def _change(change: int, before: int) -> Label:
    sign = "+" if change > 0 else ""
    share = percent(change, before)
    return Label(
        f"{sign}{compact(change, 'zh')}（{sign}{share}）",
        f"{sign}{compact(change, 'en')} ({sign}{share})",
    )


def _persons(part: int, whole: int) -> Label:
    return Label(f"{part:,} 人（{percent(part, whole)}）", f"{part:,} ({percent(part, whole)})")


def _payers(comparison: Comparison) -> str:
    sums = comparison.compared
    payers = [payer for payer in comparison.payers if payer.pays]
    rows = [
        Bar(
            Label(payer.label.title, payer.label.english),
            ((payer.before, "before"), (payer.after, "after")),
            _from_to(payer.before, payer.after),
        )
        for payer in payers
    ]
    table = _table(
        (
            Label("支付方", "payer"),
            Label("基金代码", "fund code"),
            Label("A 支出（元）", "A (yuan)"),
            Label("B 支出（元）", "B (yuan)"),
            Label("差额", "difference"),
            Label("过线人数 A → B", "persons over its line A → B"),
        ),
        [
            *(_payer_cells(payer) for payer in payers),
            _total_cells(Label("基金合计", "all funds"), sums.funds_before, sums.funds_after),
            _total_cells(Label("个人负担", "persons"), sums.personal_before, sums.personal_after),
        ],
    )
    title = Label("基金支出", "Fund spending by fund")
    lines = [
        Bar(
            Label(payer.label.title, payer.label.english),
            ((payer.over_before, "before"), (payer.over_after, "after")),
            Label(
                f"{payer.over_before:,} → {payer.over_after:,} 人",
                f"{payer.over_before:,} → {payer.over_after:,}",
            ),
        )
        for payer in payers
        if payer.label.has_line
    ]
    more = ""
    if lines:
        over = Label(
            "超过起付线的人数（大病保险等）", "Persons over a fund's own line (critical illness …)"
        )
        more = _section(over, _KEY + charts.bars(lines))
    return _section(title, _KEY + charts.bars(rows) + table) + more


def _payer_cells(payer: PayerChange) -> tuple[str, ...]:
    over = f"{payer.over_before:,} → {payer.over_after:,}" if payer.label.has_line else ""
    return (
        both(Label(payer.label.title, payer.label.english)),
        escape(" ".join(payer.label.funds)),
        money(payer.before),
        money(payer.after),
        signed(payer.difference),
        over,
    )


def _total_cells(name: Label, before: int, after: int) -> tuple[str, ...]:
    total = (money(before), money(after), signed(after - before), "")
    return (f"<b>{both(name)}</b>", "", *total)


def _changes(comparison: Comparison) -> str:
    rows = [
        Bar(
            Label(bin_name(found), bin_name(found)),
            ((found.persons, _colour(found.above, found.to)),),
            Label(f"{found.persons:,} 人", f"{found.persons:,}"),
        )
        for found in trimmed(comparison.changes)
    ]
    key = (
        '<p class="note soft">'
        + both(Label("每人负担的变化（元）", "Change of what a person pays (yuan)"))
        + '<span class="key less"></span>'
        + both(Label("减轻", "less"))
        + '<span class="key more"></span>'
        + both(Label("加重", "more"))
        + "</p>"
    )
    return _section(Label("谁受益，谁受损", "Who gains, who loses"), key + charts.bars(rows))


def _colour(above: int | None, to: int | None) -> str:
    if above == -1 and to == 0:
        return "same"
    return "more" if above is not None and above >= 0 else "less"


def _groups(comparison: Comparison, dimension: str) -> str:
    rows = rows_by(comparison, dimension)
    unit = "bill" if dimension == "level" else "person"
    drawn = [
        Bar(
            name_of(dimension, word),
            ((mean := _mean(sums, unit), "less" if mean < 0 else "more"),),
            Label(f"{signed(mean)} 元", f"{signed(mean)} yuan"),
        )
        for word, sums in rows
    ]
    heads = [
        DIMENSIONS[dimension],
        Label("单据", "bills"),
        Label("A 个人负担（元）", "A burden (yuan)"),
        Label("B 个人负担（元）", "B burden (yuan)"),
        Label("差额", "difference"),
    ]
    if unit == "person":
        heads += [Label("人数", "persons"), Label("减轻", "less"), Label("加重", "more")]
    table = _table(tuple(heads), [_group_cells(dimension, word, sums) for word, sums in rows])
    label = DIMENSIONS[dimension]
    each = Label("每张单据", "bill") if unit == "bill" else Label("每人", "person")
    title = Label(
        f"个人负担·按{label.chinese}（{each.chinese}平均变化）",
        f"Personal burden by {label.english} (mean change a {each.english})",
    )
    return _section(title, charts.diverging(drawn) + table)


def _mean(sums: Sums, unit: str) -> int:
    number = (sums.bills if unit == "bill" else sums.persons) or 1
    size = (2 * abs(sums.change) + number) // (2 * number)
    return -size if sums.change < 0 else size


def _group_cells(dimension: str, word: str, sums: Sums) -> tuple[str, ...]:
    cells: tuple[str, ...] = (
        both(name_of(dimension, word)),
        f"{sums.bills:,}",
        money(sums.personal_before),
        money(sums.personal_after),
        signed(sums.change),
    )
    if dimension == "level":
        return cells
    return (*cells, f"{sums.persons:,}", f"{sums.winners:,}", f"{sums.losers:,}")


def _deciles(comparison: Comparison) -> str:
    rows = []
    for number, tenth in enumerate(comparison.deciles, 1):
        persons = tenth.persons or 1
        before, after = tenth.before // persons, tenth.after // persons
        rows.append(
            Bar(
                Label(str(number), str(number)),
                ((before, "before"), (after, "after")),
                Label(
                    f"{money(before)} → {money(after)} 元", f"{money(before)} → {money(after)} yuan"
                ),
            )
        )
    table = _table(
        (
            Label("十等分", "tenth"),
            Label("人数", "persons"),
            Label("A 最高（元）", "at most under A (yuan)"),
            Label("A 平均 → B 平均（元）", "mean A → mean B (yuan)"),
        ),
        [
            (row.name.english, f"{tenth.persons:,}", money(tenth.up_to), both(row.said))
            for row, tenth in zip(rows, comparison.deciles, strict=True)
        ],
    )
    title = Label(
        "按现行负担十等分：每人平均负担", "Mean burden by tenths of the persons, ordered by law A"
    )
    return _section(title, _KEY + charts.columns(rows) + table)


def _refusals(comparison: Comparison) -> str:
    if not comparison.refused:
        return ""
    before, after = comparison.refused_before, comparison.refused_after
    names = sorted(
        {*before, *after}, key=lambda name: (-before.get(name, 0) - after.get(name, 0), name)
    )
    said = Label(
        f"{comparison.refused:,} 张单据因缺少参数不能结算，未计入以上各项。",
        f"{comparison.refused:,} bills are refused for a missing parameter; they are in no sum.",
    )
    table = _table(
        (Label("缺少的参数", "missing parameter"), Label("A", "A"), Label("B", "B")),
        [
            (f"<code>{escape(name)}</code>", f"{before.get(name, 0):,}", f"{after.get(name, 0):,}")
            for name in names
        ],
        opened=True,
    )
    return _section(Label("不能结算的单据", "Refused bills"), f"<p>{both(said)}</p>{table}")


def _method(comparison: Comparison) -> str:
    said = [
        Label(
            "每张单据按两套规则各结算一次，累计额随各自结果滚动；不含个人账户。"
            "分位上限误差小于 1%，金额合计精确到分。",
            "Every bill is decided under both laws, counters moving with each law's own results; "
            "personal accounts are left out. Bounds of tenths are right to 1 %, sums to the fen.",
        )
    ]
    if comparison.lines_recomputed:
        said.append(
            Label(
                "两套规则的明细规则不同：各项合计由费用明细重新计算。",
                "The laws' line rules differ: the sums were made anew from the fee lines.",
            )
        )
    if comparison.assumed:
        listed = ", ".join(comparison.assumed)
        said.append(
            Label(f"数据中没有、按默认值处理：{listed}", f"Not in the file, taken as: {listed}")
        )
    said += [Label(note, note) for note in comparison.notes]
    return "".join(f'<p class="note soft">{both(line)}</p>' for line in said)


def _section(title: Label, content: str) -> str:
    return f"<section><h2>{both(title)}</h2>{content}</section>"


def _table(heads: tuple[Label, ...], rows: list[tuple[str, ...]], *, opened: bool = False) -> str:
    head = "".join(f"<th>{both(label)}</th>" for label in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
    if opened:
        return table
    return f"<details open><summary>{both(Label('数字', 'Figures'))}</summary>{table}</details>"


def _from_to(before: int, after: int) -> Label:
    return Label(
        f"{compact(before, 'zh')} → {compact(after, 'zh')}",
        f"{compact(before, 'en')} → {compact(after, 'en')}",
    )
