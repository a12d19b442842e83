"""The columns of the catalogue files (1301 …), in order.

``docs/interface/catalogue-files.md`` tells them to developers and is made from here.

The numbers of columns of 1301, 1302, 1305 and 1307, and the places of version and row id in 1301,
are those that clients count on. The names come from how the files are known in the field; where no
client was seen that reads a file, the order is the usual one and not proven.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from yibao.registry.catalogue.model import CodeList

Column = tuple[str, str]
"""Official field name and Chinese label."""


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One versioned download."""

    title: str
    columns: tuple[Column, ...]
    source: CodeList | None
    """Where its rows come from; None: we have no such list, and the file is empty."""


def _columns(text: str) -> tuple[Column, ...]:
    pairs = (entry.split() for entry in text.strip().split(","))
    return tuple((name, label) for name, label in pairs)


_DRUGS = """
med_list_codg 医疗目录编码, drug_prodname 药品商品名, genname_codg 通用名编号,
drug_genname 药品通用名, chemname 化学名称, alis 别名, eng_name 英文名称, reg_name 注册名称,
drugstdcode 药监本位码, drug_dosform 药品剂型, drug_dosform_name 药品剂型名称,
drug_type 药品类别, drug_type_name 药品类别名称, drug_spec 药品规格, drug_spec_code 药品规格代码,
reg_dosform 注册剂型, reg_spec 注册规格, reg_spec_code 注册规格代码, each_dos 每次用量,
used_frqu 使用频次, acdbas 酸根盐基, nat_drug_no 国家药品编号, used_mtd 用法,
tcmpat_flag 中成药标志, prodplac_type 生产地类别, prodplac_type_name 生产地类别名称,
prcunt_type 计价单位类型, otc_flag 非处方药标志, otc_flag_name 非处方药标志名称,
pacmatl 包装材质, pacmatl_name 包装材质名称, pacspec 包装规格, pac_cnt 包装数量,
efcc_atd 功能主治, rute 给药途径, manl 说明书, begndate 开始日期, enddate 结束日期,
min_useunt 最小使用单位, min_salunt 最小销售单位, min_unt 最小计量单位,
min_pac_cnt 最小包装数量, min_pacunt 最小包装单位, min_prepunt 最小制剂单位,
min_pacunt_name 最小包装单位名称, min_prepunt_name 最小制剂单位名称, convrat 转换比,
drug_expy 药品有效期, min_prcunt 最小计价单位, wubi 五笔助记码, pinyin 拼音助记码,
subpck_fcty 分包装厂家, prodentp_code 生产企业编号, prodentp_name 生产企业名称,
sp_lmtpric_drug_flag 特殊限价药品标志, sp_drug_flag 特殊药品标志, lmt_usescp 限制使用范围,
lmt_used_flag 限制使用标志, drug_regno 药品注册证号, drug_regno_begndate 药品注册证号开始日期,
drug_regno_enddate 药品注册证号结束日期, aprvno 批准文号, aprvno_begndate 批准文号开始日期,
aprvno_enddate 批准文号结束日期, mkt_stas 市场状态, mkt_stas_name 市场状态名称,
drug_reg_appvletr_elecacs 药品注册批件电子档案, splm_appy_appvletr_file 药品补充申请批件电子档案,
nat_hi_druglist_memo 国家医保药品目录备注, bas_medn_flag_name 基本药物标志名称,
bas_medn_flag 基本药物标志, vat_adjust_drug_flag 增值税调整药品标志,
vat_adjust_drug_name 增值税调整药品名称, lstd_drug 上市药品目录集药品,
hi_nego_drug_flag 医保谈判药品标志, hi_nego_drug_name 医保谈判药品名称,
nhc_drug_code 卫健委药品编码, memo 备注, vali_flag 有效标志, rid 唯一记录号,
crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, ver_name 版本名称,
chld_medc 儿童用药, co_name 公司名称, consevl_drug 仿制药一致性评价药品, dstr_er 经销企业,
dstr_cner 经销企业联系人, dstr_authorization 经销企业授权书电子档案,
dosform_name 国家医保药品目录剂型, chrgitm_lv 国家医保药品目录甲乙类标识,
lstd_lics_holder 上市许可证持有人, issu_flag 下发标志, tram_data_id 传输数据ID,
begntime 生效时间, endtime 失效时间
"""

_SLICES = """
med_list_codg 医疗目录编码, tcmherb_name 单味药名称, cpnd_flag 单复方标志, qlt_lv 质量等级,
tcmdrug_year 中草药年份, med_part 药用部位, safe_mtr 安全计量, cnvl_used 常规用法,
natfla 性味, cat 归经, mlms_sort 品种, begndate 开始日期, enddate 结束日期,
vali_flag 有效标志, rid 唯一记录号, crte_time 数据创建时间, updt_time 数据更新时间,
ver 版本号, ver_name 版本名称, mlms_name 药材名称, efcc_atd 功能主治, psdg_mtd 炮制方法,
elab_cat 功效分类, mlms_sour 药材种来源, natl_hi_pay_poly 国家医保支付政策,
prov_hi_pay_poly 省级医保支付政策, std_name 标准名称, std_page 标准页码,
std_elec_file 标准电子档案, issu_flag 下发标志, tram_data_id 传输数据ID, begntime 生效时间,
endtime 失效时间
"""

_SERVICES = """
med_list_codg 医疗目录编码, prcunt 计价单位, prcunt_name 计价单位名称,
trt_item_dscr 诊疗项目说明, trt_exct_cont 诊疗除外内容, trt_item_cont 诊疗项目内涵,
vali_flag 有效标志, memo 备注, servitem_type 服务项目类别, servitem_name 医疗服务项目名称,
servitem_dscr 项目说明, begndate 开始日期, enddate 结束日期, rid 唯一记录号, ver 版本号,
ver_name 版本名称, issu_flag 下发标志, tram_data_id 传输数据ID, begntime 生效时间,
endtime 失效时间
"""

_DIAGNOSES = """
diag_id 西医疾病诊断ID, cpr 章, cpr_code_scp 章代码范围, cpr_name 章名称,
sec_code_scp 节代码范围, sec_name 节名称, cgy_code 类目代码, cgy_name 类目名称,
sor_code 亚目代码, sor_name 亚目名称, diag_code 诊断代码, diag_name 诊断名称,
used_std 使用标记, natstd_diag_code 国标版诊断代码, natstd_diag_name 国标版诊断名称,
clnc_diag_code 临床版诊断代码, clnc_diag_name 临床版诊断名称, memo 备注, vali_flag 有效标志,
rid 唯一记录号, crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, ver_name 版本名称
"""

_PROCEDURES = """
oprn_std_list_id 手术标准目录ID, cpr 章, cpr_code_scp 章代码范围, cpr_name 章名称,
cgy_code 类目代码, cgy_name 类目名称, sor_code 亚目代码, sor_name 亚目名称,
dtls_code 细目代码, dtls_name 细目名称, oprn_oprt_code 手术操作代码, oprn_oprt_name 手术操作名称,
used_std 使用标记, rtl_oprn_code 团标版手术操作代码, rtl_oprn_name 团标版手术操作名称,
clnc_oprn_code 临床版手术操作代码, clnc_oprn_name 临床版手术操作名称, memo 备注,
vali_flag 有效标志, rid 唯一记录号, crte_time 数据创建时间, updt_time 数据更新时间,
ver 版本号, ver_name 版本名称
"""

_CHRONIC = """
opsp_dise_code 门慢门特病种目录代码, opsp_dise_majcls_name 门慢门特病种大类名称,
opsp_dise_subd_clss_name 门慢门特病种细分类名称, admdvs 医保区划, memo 备注,
vali_flag 有效标志, rid 唯一记录号, crte_time 数据创建时间, updt_time 数据更新时间,
ver 版本号, dise_cont 病种内涵, ver_name 版本名称, trt_guide_page 诊疗指南页码,
trt_guide_elecacs 诊疗指南电子档案, opsp_dise_name 门慢门特病种名称,
opsp_dise_majcls_code 门慢门特病种大类代码
"""

_CASE_GROUPS = """
bydise_setl_list_id 病种结算目录ID, bydise_setl_list_code 按病种结算病种目录代码,
bydise_setl_dise_name 按病种结算病种名称, qua_oprn_code 限定手术操作代码,
qua_oprn_name 限定手术操作名称, vali_flag 有效标志, rid 唯一记录号, crte_time 数据创建时间,
updt_time 数据更新时间, ver 版本号, dise_cont 病种内涵, memo 备注, ver_name 版本名称,
trt_guide_page 诊疗指南页码, trt_guide_elecacs 诊疗指南电子档案
"""

_DAY_SURGERY = """
daysrg_trt_list_id 日间手术治疗目录ID, daysrg_dise_list_code 日间手术病种目录代码,
daysrg_dise_name 日间手术病种名称, vali_flag 有效标志, rid 唯一记录号,
crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, dise_cont 病种内涵, memo 备注,
ver_name 版本名称, trt_guide_page 诊疗指南页码, trt_guide_elecacs 诊疗指南电子档案,
oprn_oprt_name 手术操作名称, oprn_oprt_code 手术操作代码
"""

_TUMOURS = """
tmor_mpy_id 肿瘤形态学ID, tmor_cell_type_code 肿瘤细胞类型代码, tmor_cell_type 肿瘤细胞类型,
mpy_type_code 形态学分类代码, mpy_type 形态学分类, vali_flag 有效标志, rid 唯一记录号,
crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, ver_name 版本名称
"""

_CHINESE_DISEASES = """
tcm_diag_id 中医疾病诊断ID, caty_cgy_code 科别类目代码, caty_cgy_name 科别类目名称,
spcy_sys_taxa_code 专科系统分类目代码, spcy_sys_taxa_name 专科系统分类目名称,
dise_type_code 疾病分类代码, dise_type_name 疾病分类名称, memo 备注, vali_flag 有效标志,
rid 唯一记录号, crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, ver_name 版本名称
"""

_CHINESE_SYNDROMES = """
tcmsymp_id 中医证候ID, sds_cgy_code 证候类目代码, sds_cgy_name 证候类目名称,
sds_attr_code 证候属性代码, sds_attr 证候属性, sds_type_code 证候分类代码,
sds_type_name 证候分类名称, memo 备注, vali_flag 有效标志, rid 唯一记录号,
crte_time 数据创建时间, updt_time 数据更新时间, ver 版本号, ver_name 版本名称
"""

FILES: Mapping[str, CatalogueFile] = {
    "1301": CatalogueFile("西药中成药目录", _columns(_DRUGS), CodeList.DRUGS),
    "1302": CatalogueFile("中药饮片目录", _columns(_SLICES), CodeList.SLICES),
    "1303": CatalogueFile("医疗机构制剂目录", (), None),
    "1305": CatalogueFile("医疗服务项目目录", _columns(_SERVICES), CodeList.SERVICES),
    "1306": CatalogueFile("医用耗材目录", (), None),
    "1307": CatalogueFile("疾病与诊断目录", _columns(_DIAGNOSES), CodeList.DIAGNOSES),
    "1308": CatalogueFile("手术操作目录", _columns(_PROCEDURES), CodeList.PROCEDURES),
    "1309": CatalogueFile("门诊慢特病种目录", _columns(_CHRONIC), None),
    "1310": CatalogueFile("按病种付费病种目录", _columns(_CASE_GROUPS), CodeList.CASE_GROUPS),
    "1311": CatalogueFile("日间手术治疗病种目录", _columns(_DAY_SURGERY), None),
    "1313": CatalogueFile("肿瘤形态学目录", _columns(_TUMOURS), None),
    "1314": CatalogueFile("中医疾病目录", _columns(_CHINESE_DISEASES), None),
    "1315": CatalogueFile("中医证候目录", _columns(_CHINESE_SYNDROMES), None),
}
"""Every versioned download. 1303 (85 columns) and 1306 (71) wait for a list and for their order."""

SEEN_BY_CLIENTS = {"1301": 97, "1302": 33, "1305": 20, "1307": 24}
"""Numbers of columns that clients were seen to read; 1303 with 85 and 1306 with 71 beside them."""


def documentation() -> str:
    """The page for developers: every file with its columns, numbered from 0."""
    lines = [_INTRODUCTION]
    for number, file in FILES.items():
        known = "" if number in SEEN_BY_CLIENTS or not file.columns else "; order not confirmed"
        rows = "no data on this platform yet: the file is empty" if file.source is None else "data"
        lines.append(f"## {number} {file.title}\n")
        if not file.columns:
            lines.append(f"Columns not described; {rows}.\n")
            continue
        lines.append(f"{len(file.columns)} columns{known}; {rows}.\n")
        lines.append("| # | field | label |\n|---|---|---|")
        lines += [
            f"| {place} | `{name}` | {label} |" for place, (name, label) in enumerate(file.columns)
        ]
        lines.append("")
    return "\n".join(lines)


_INTRODUCTION = """# Catalogue files

<!-- made by: python -m yibao.gateway.catalogue_columns -->

1301–1303, 1305–1311 and 1313–1315 answer a file's query number; 9102 then sends a ZIP with one
TXT: UTF-8, a row a line, columns separated by TAB, `null` where nothing is known, no header. `ver`
is the version to ask after the next time: a row is sent again when it changes, and with
`vali_flag` 0 when it leaves the list. The first call sends `ver` 0. A version of another platform
gets the whole list, with a warning.

A catalogue file belongs to nobody and is not stored: its number says the list and the two versions
between which it lies, so the same number always gives the same rows.
"""


if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201 - a tool that writes the page
