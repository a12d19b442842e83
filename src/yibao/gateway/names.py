"""The one table from our field names to the interface's, for refusals that are raised inside."""

import re

from yibao.kernel.refusals import Refusal

OFFICIAL: dict[str, tuple[str, str]] = {
    "message_id": ("msgid", "发送方报文ID"),
    "institution": ("fixmedins_code", "定点医药机构编号"),
    "insured_division": ("insuplc_admdvs", "参保地医保区划"),
    "care_division": ("mdtrtarea_admvs", "就医地医保区划"),
    "sign_no": ("sign_no", "签到编号"),
    "sign_in_number": ("sign_no", "签到编号"),
    "operator": ("opter_no", "操作员编号"),
    "member": ("psn_no", "人员编号"),
    "document_type": ("psn_cert_type", "人员证件类型"),
    "document_number": ("certno", "证件号码"),
    "voucher_type": ("mdtrt_cert_type", "就诊凭证类型"),
    "voucher_number": ("mdtrt_cert_no", "就诊凭证编号"),
    "credential_code": ("ecQrCode", "电子凭证二维码"),
    "scheme": ("insutype", "险种类型"),
    "begin": ("begntime", "开始时间"),
    "end": ("endtime", "结束时间"),
    "visit": ("mdtrt_id", "就诊ID"),
    "outpatient_number": ("ipt_otp_no", "住院/门诊号"),
    "doctor_code": ("atddr_no", "医师编码"),
    "doctor_name": ("dr_name", "医师姓名"),
    "department_code": ("dept_code", "科室编码"),
    "department_name": ("dept_name", "科室名称"),
    "speciality": ("caty", "科别"),
    "care_kind": ("med_type", "医疗类别"),
    "condition": ("main_cond_dscr", "主要病情描述"),
    "disease_code": ("dise_codg", "病种编码"),
    "disease_name": ("dise_name", "病种名称"),
    "disease": ("dise_codg", "病种编码"),
    "diagnoses": ("diseinfo", "诊断信息"),
    "diagnosis": ("diag_code", "诊断代码"),
    "lines": ("feedetail", "费用明细"),
    "serial": ("feedetl_sn", "费用明细流水号"),
    "batch": ("chrg_bchno", "收费批次号"),
    "item": ("med_list_codg", "医疗目录编码"),
    "institution_item": ("medins_list_codg", "医药机构目录编码"),
    "amount": ("det_item_fee_sumamt", "明细项目费用总额"),
    "price": ("pric", "单价"),
    "quantity": ("cnt", "数量"),
    "time": ("fee_ocur_time", "费用发生时间"),
    "approval": ("hosp_appr_flag", "医院审批标志"),
    "total": ("medfee_sumamt", "医疗费总额"),
    "own": ("fulamt_ownpay_amt", "全自费金额"),
    "over_limit": ("overlmt_selfpay", "超限价自费费用"),
    "first_pay": ("preselfpay_amt", "先行自付金额"),
    "in_scope": ("inscp_scp_amt", "符合政策范围金额"),
    "use_account": ("acct_used_flag", "个人账户使用标志"),
    "way": ("psn_setlway", "个人结算方式"),
    "invoice": ("invono", "发票号"),
    "settlement": ("setl_id", "结算ID"),
    "own_visit": ("fixmedins_mdtrt_id", "医药机构就诊ID"),
    "claimed_account": ("acct_pay", "个人账户支出"),
    "claimed_cash": ("psn_cashpay", "个人现金支付"),
    "fund_amount": ("fund_payamt", "基金支付金额"),
    "item_amounts": ("amt", "收费项目金额合计"),
    "admitted": ("adm_time", "入院时间"),
    "discharged": ("dscg_time", "出院时间"),
    "list_begin": ("setl_begn_date", "结算开始日期"),
    "changes": ("stastinfo", "清单状态"),
    "findings": ("warns", "审核反馈"),
    "finding": ("warn_rslt_id", "审核结果标识"),
    "original_message": ("omsgid", "原发送方报文ID"),
    "original_transaction": ("oinfno", "原交易编号"),
    "goods_serial": ("fixmedins_bchno", "定点医药机构批次流水号"),
    "hospital_order": ("medOrgOrd", "医疗机构订单号"),
    "payment_order": ("payOrdId", "支付订单号"),
    "order_lines": ("feedetailList", "费用明细"),
    "order_total": ("medfeeSumamt", "医疗费总额"),
    "order_member": ("psnNo", "人员编号"),
    "order_person": ("idNo", "证件号码"),
    "order_visit": ("mdtrtId", "就诊ID"),
    "order_batch": ("chrgBchno", "收费批次号"),
    "order_fee_kind": ("feeType", "费用类别"),
    "refund_serial": ("appRefdSn", "应用退款流水号"),
    "refund_total": ("totlRefdAmt", "总退费金额"),
    "refund_part": ("refdType", "退费类型"),
    "prescription": ("hi_rxno", "医保处方编号"),
    "hospital_number": ("hosp_rxno", "定点医疗机构处方编号"),
    "prescribed_at": ("prsc_time", "开方时间"),
    "valid_until": ("valid_end_time", "有效截止时间"),
    "prescribed_drugs": ("rxdrugdetail", "处方药品"),
    "dispensed_drugs": ("selinfo", "售药明细"),
    "patient_name": ("patn_name", "患者姓名"),
    "download_code": ("download_ide_code", "下载处方时的识别码"),
    "sign_digest": ("signDigest", "处方信息签名值"),
    "addressee": ("circFixmedinsCode", "流转药店编号"),
    "trace_code": ("drug_trac_codg", "药品追溯码"),
    "file_name": ("filename", "文件名"),
    "file_content": ("in", "文件数据"),
    "file_number": ("file_qury_no", "文件查询号"),
    "office": ("setl_optins", "结算经办机构"),
    "clearing_class": ("clr_type", "清算类别"),
    "clearing_month": ("setlym", "清算年月"),
    "clearing_application": ("clr_appy_evt_id", "机构清算申请事件ID"),
    "declaration": ("trt_dcla_detl_sn", "待遇申报明细流水号"),
    "begin_date": ("begndate", "开始日期"),
    "end_date": ("enddate", "结束日期"),
    "referral_kind": ("refl_type", "转院类型"),
    "referred_on": ("refl_date", "转院日期"),
    "receiving": ("reflin_medins_no", "转往定点医药机构编号"),
    "care_place": ("mdtrtarea_admdvs", "就医地行政区划"),
    "filed_disease": ("opsp_dise_code", "门慢门特病种目录代码"),
    "identified_on": ("hosp_ide_date", "医院鉴定日期"),
    "designated": ("fixmedins_code", "定点医药机构编号"),
    "choice_order": ("fix_srt_no", "定点排序号"),
    "injured_at": ("trum_time", "受伤时间"),
    "departments": ("deptinfo", "科室信息"),
    "department": ("hosp_dept_codg", "医院科室编码"),
    "department_title": ("hosp_dept_name", "医院科室名称"),
    "list_type": ("list_type", "目录类别"),
    "own_item": ("fixmedins_hilist_id", "定点医药机构目录编号"),
}

_WORD = re.compile(r"[a-z_]+")


def official_path(field: str) -> str:
    """A field path in the interface's names: ``lines[3].item`` → ``feedetail[3].med_list_codg``."""
    return _WORD.sub(lambda word: OFFICIAL.get(word[0], (word[0], ""))[0], field)


def clerk_text(refusal: Refusal) -> str:
    """What the hospital's clerk reads: the field by its official name and label, rule, figures.

    Fields and figures that no message has (a law's parameter, a fault's name) are for the log.
    """
    text = refusal.message
    last = (refusal.field or "").rsplit(".", 1)[-1]
    if refusal.field and last in OFFICIAL:
        name, label = OFFICIAL[last]
        if name not in text:
            text = f"{official_path(refusal.field)}（{label}）：{text}"
    for fact, value in refusal.facts.items():
        if fact in OFFICIAL and value not in text:
            text += f"；{OFFICIAL[fact][0]}={value}"
    return text
