"""Every refusal with its cause and what to do about it, for the reference and the console."""

from typing import NamedTuple

from yibao.kernel.refusals import RefusalCode as Code


class Cure(NamedTuple):
    """Why a message was refused and what its sender does now; Chinese and English."""

    cause: str
    cure: str
    cause_english: str
    cure_english: str


CURES: dict[Code, Cure] = {
    Code.MALFORMED: Cure(
        "报文不是平台能读的JSON信封，或不是POST请求",
        "按信封格式以UTF-8编码发送一个JSON对象；检查编码声明与内容是否一致",
        "The message is no JSON envelope that can be read, or no POST.",
        "Send one JSON object in UTF-8; check that the declared charset is the real one.",
    ),
    Code.TOO_LARGE: Cure(
        "请求体超过平台上限",
        "费用明细分批上传，每批100条左右；大文件压缩后再传",
        "The body is larger than the platform reads.",
        "Upload fee lines in batches of about 100; compress files.",
    ),
    Code.UNKNOWN_TRANSACTION: Cure(
        "交易编号不存在",
        "核对infno和请求路径中的编号",
        "There is no transaction of this number.",
        "Check infno and the number in the path.",
    ),
    Code.NOT_OFFERED: Cure(
        "交易存在，但本平台未开放",
        "改用文档列出的已开放交易；地方交易请咨询经办机构",
        "The transaction exists but is not offered here.",
        "Use the transactions that the reference lists; ask the bureau about local ones.",
    ),
    Code.TRANSACTION_MISMATCH: Cure(
        "路径、请求头与报文里的交易编号不一致",
        "三处写同一编号，或只写一处",
        "Path, headers and body name different transactions.",
        "Name the same number everywhere, or in one place only.",
    ),
    Code.FIELD_MISSING: Cure(
        "必填字段缺失或为空",
        "补上提示的字段；空文本和“null”视为缺失",
        "A required field is absent or empty.",
        "Fill in the field that is named; empty text and the text null count as absent.",
    ),
    Code.FIELD_TOO_LONG: Cure(
        "字段超过表中规定的长度或位数",
        "按字段表截短或更正",
        "A value is longer than its table allows.",
        "Shorten or correct it by the field table.",
    ),
    Code.FIELD_INVALID: Cure(
        "字段的类型、格式或代码不符合字段表",
        "按提示的规则更正；代码表见字典",
        "A value breaks its field's type, format or code table.",
        "Correct it by the rule that is named; see the code tables.",
    ),
    Code.AMOUNT_OUT_OF_RANGE: Cure(
        "金额、单价或数量超出允许范围",
        "核对金额；退费用撤销交易或住院负数明细",
        "An amount, price or quantity is out of range.",
        "Check the figure; returns go by cancellation or by negative lines of a stay.",
    ),
    Code.FIELD_CONTRADICTS: Cure(
        "同一内容以两个名称或两次出现，取值不同",
        "只写一处，或写成相同的值；涉及金额时平台不作猜测",
        "One thing stands there twice, or under two names, with different values.",
        "Write it once, or alike: about money nothing is guessed.",
    ),
    Code.CONTENT_UNREADABLE: Cure(
        "密文不能解密，或解密后不是JSON",
        "核对SM4密钥、模式与填充；在控制台对照平台使用的工作密钥规则",
        "The encrypted content cannot be opened, or is no JSON then.",
        "Check the SM4 key, mode and padding; the console shows the rule that was used.",
    ),
    Code.MESSAGE_REUSED: Cure(
        "同一报文编号曾用于内容不同的请求",
        "新业务用新msgid；重发须与首次完全相同",
        "The message id was used for another content.",
        "Give new business a new msgid; a repetition must equal the first message.",
    ),
    Code.MESSAGE_REVERSED: Cure(
        "该报文已被2601冲正",
        "需要重新办理时使用新的msgid",
        "The message was reversed by 2601.",
        "To do the business after all, send it under a new msgid.",
    ),
    Code.NOT_AUTHENTICATED: Cure(
        "缺少发送方身份的请求头，或账号不存在",
        "带齐x-tif-*或_api_*请求头；核对账号",
        "Headers that say who sends are missing, or the account is unknown.",
        "Send all x-tif-* or _api_* headers; check the account.",
    ),
    Code.SIGNATURE_WRONG: Cure(
        "签名与平台计算的不一致",
        "在控制台打开该报文，对照平台实际签名的原文",
        "The signature is not the one that the platform computes.",
        "Open the message in the console and compare with the text that the platform signed.",
    ),
    Code.TIMESTAMP_OFF: Cure(
        "时间戳与平台时间相差过大或格式不对",
        "校准时钟；时间戳为Unix秒或毫秒",
        "The timestamp is too far off, or none.",
        "Set the clock; send Unix seconds or milliseconds.",
    ),
    Code.REPLAYED: Cure(
        "同一随机数用于不同报文",
        "每个新报文生成新的随机数和签名",
        "A nonce was used for another message.",
        "Make a new nonce and signature for each new message.",
    ),
    Code.INSTITUTION_UNKNOWN: Cure(
        "定点医药机构编号不存在",
        "核对fixmedins_code，应为H或P加11位数字",
        "There is no institution of this code.",
        "Check fixmedins_code: H or P and 11 digits.",
    ),
    Code.INSTITUTION_NOT_ALLOWED: Cure(
        "发送方的密钥未获授权代表该机构",
        "请经办机构把机构加入密钥的授权范围",
        "The sender's key may not speak for this institution.",
        "Ask the bureau to add the institution to the key.",
    ),
    Code.INSTITUTION_SUSPENDED: Cure(
        "机构当日无有效协议或医保服务暂停",
        "联系经办机构；在此期间按自费处理",
        "The institution has no contract on that day, or is suspended.",
        "Ask the bureau; until then care is private.",
    ),
    Code.AREA_DIFFERS: Cure(
        "信封的参保地与人员编号、就诊ID所属统筹区不一致",
        "用1101返回的insuplc_admdvs作为信封的参保地区划",
        "The envelope's insured division is not that of the person or visit.",
        "Send the insuplc_admdvs that 1101 answered.",
    ),
    Code.PERSON_UNKNOWN: Cure(
        "查无此人或人员编号不存在",
        "用1101核对凭证和人员编号",
        "Nobody is known by this voucher or person number.",
        "Check voucher and number by 1101.",
    ),
    Code.VOUCHER_NOT_SUPPORTED: Cure(
        "就诊凭证类型不受支持，或凭证无效、过期",
        "请参保人重新出示凭证；令牌须在有效期内使用一次办理",
        "The kind of voucher is not supported, or it is invalid or expired.",
        "Have the voucher shown again; tokens are short-lived.",
    ),
    Code.NOT_ENROLLED: Cure(
        "当日未参加该险种或已转出",
        "核对insutype和日期；见1101的参保信息",
        "The person is not in this scheme on that day, or has moved away.",
        "Check insutype and date against 1101.",
    ),
    Code.PERSON_DIFFERS: Cure(
        "人员与就诊、凭证或原业务的人员不一致",
        "核对psn_no与凭证是否同一人",
        "The person is not the one of the visit, voucher or original.",
        "Check that psn_no and voucher are the same person's.",
    ),
    Code.FILING_UNKNOWN: Cure(
        "备案不存在，或当日没有所需的备案",
        "先办理备案（2501、2503、2505、2507），或核对流水号",
        "There is no such filing, or none that the day needs.",
        "File first (2501, 2503, 2505, 2507), or check the serial number.",
    ),
    Code.FILING_WITHDRAWN: Cure(
        "备案已撤销",
        "需要时重新办理备案",
        "The filing was withdrawn.",
        "File anew if it is needed.",
    ),
    Code.FILING_EXISTS: Cure(
        "同一事项已有有效备案",
        "用5301、5302、5304查询；需更改先撤销原备案",
        "The same is on file already.",
        "See 5301, 5302 and 5304; withdraw the old filing to change it.",
    ),
    Code.VOUCHER_INVALID: Cure(
        "凭证不属于任何人、已过期，或二维码已使用",
        "请参保人重新出示二维码或卡片",
        "The voucher is nobody's, its time has passed, or its code was used.",
        "Have the code or card shown again.",
    ),
    Code.VISIT_UNKNOWN: Cure(
        "就诊ID不存在或不属于本机构",
        "使用2201或2401返回的mdtrt_id",
        "There is no such visit of this institution.",
        "Use the mdtrt_id that 2201 or 2401 answered.",
    ),
    Code.VISIT_CANCELLED: Cure(
        "就诊登记已撤销",
        "重新办理挂号或入院",
        "The visit was withdrawn.",
        "Register or admit anew.",
    ),
    Code.VISIT_SETTLED: Cure(
        "就诊还有有效结算",
        "先撤销结算（2208、2305）再办理",
        "The visit has a living settlement.",
        "Cancel the settlement (2208, 2305) first.",
    ),
    Code.DATE_NOT_ALLOWED: Cure(
        "日期不在允许范围：未来、住院期外、死亡之后等",
        "按提示的日期界限更正",
        "The date is not allowed: future, outside the stay, after death …",
        "Correct it within the limits that are named.",
    ),
    Code.STAY_OVERLAPS: Cure(
        "参保人在该期间住院（提示入院日期，不提示医院），不能再办理入院或门诊",
        "核对入院、就诊日期；确已出院的，由原医院先办理出院（2402）",
        "The person is in hospital then (the day of admission is named, the hospital is not).",
        "Check the dates; if the stay is over, its hospital discharges first (2402).",
    ),
    Code.NOT_DISCHARGED: Cure(
        "住院尚未办理出院",
        "先办理出院（2402）再出院结算；未出院的用中途结算标志",
        "The stay has no discharge on file.",
        "Discharge (2402) before the final settlement, or flag an interim one.",
    ),
    Code.VISIT_KIND_DIFFERS: Cure(
        "就诊ID属于另一类业务（门诊、住院、药店购药）",
        "门诊用22xx，住院用23xx和24xx，药店购药用2101至2103",
        "The visit is of another kind: outpatient, stay or purchase.",
        "Use 22xx for outpatients, 23xx and 24xx for stays, 2101 to 2103 for purchases.",
    ),
    Code.CODE_UNKNOWN: Cure(
        "目录、诊断或字典中没有该代码",
        "先下载目录（13xx）并完成对照（3301）",
        "The catalogue, diagnosis list or dictionary has no such code.",
        "Download the catalogue (13xx) and map your items (3301).",
    ),
    Code.LINE_DIFFERS: Cure(
        "费用明细流水号已上传过不同内容",
        "先撤销（2205、2302）再上传更正后的明细",
        "The line's serial was uploaded with another content.",
        "Withdraw it (2205, 2302), then upload the corrected line.",
    ),
    Code.LINE_AMOUNT_DIFFERS: Cure(
        "金额与单价×数量之差超出允许误差",
        "核对金额、单价和数量",
        "The amount is not price times quantity.",
        "Check amount, price and quantity.",
    ),
    Code.LINE_DUPLICATE: Cure(
        "一次上传中同一流水号出现两次",
        "每条明细使用唯一的feedetl_sn",
        "A serial stands twice in one upload.",
        "Give each line a feedetl_sn of its own.",
    ),
    Code.LINE_UNKNOWN: Cure(
        "费用明细不存在、已撤销或本身是退费明细",
        "核对feedetl_sn和init_feedetl_sn",
        "The fee line does not exist, was withdrawn, or is a return itself.",
        "Check feedetl_sn and init_feedetl_sn.",
    ),
    Code.LINE_RETURNED: Cure(
        "费用明细已有退费明细，不能单独撤销",
        "2302中一并列出其退费明细",
        "The line has returns and is not withdrawn without them.",
        "Name its returns in the same 2302.",
    ),
    Code.BATCH_UNKNOWN: Cure(
        "收费批次没有已上传的明细",
        "先用2204、2301上传明细",
        "The batch has no uploaded lines.",
        "Upload lines by 2204 or 2301 first.",
    ),
    Code.BATCH_EMPTY: Cure(
        "没有可处理的明细", "至少上传一条明细", "There are no lines.", "Upload at least one line."
    ),
    Code.BATCH_SETTLED: Cure(
        "批次已结算",
        "如需更改，先撤销结算；结算结果用5203查询",
        "The batch is settled.",
        "To change it, cancel the settlement first; 5203 shows it.",
    ),
    Code.LINES_LEFT: Cure(
        "住院还有未撤销的费用明细，不能撤销入院",
        "先用2302撤销明细（0000表示全部）",
        "The stay still has fee lines, so its admission stands.",
        "Withdraw them by 2302 first (0000 means all).",
    ),
    Code.TOTAL_DIFFERS: Cure(
        "医疗费总额与明细合计不符",
        "按明细返回的金额重新合计",
        "The total is not the sum of the uploaded lines.",
        "Add up what the lines' upload answered.",
    ),
    Code.SUMS_CHANGED: Cure(
        "交回的四项金额与现行合计不符",
        "按提示的现行合计更新后重新预结算",
        "The sums handed back are not the present ones.",
        "Take the present sums from the text and try the settlement again.",
    ),
    Code.SETTLEMENT_UNKNOWN: Cure(
        "结算ID不存在或不属于本机构",
        "核对setl_id；撤销返回的是新的ID",
        "There is no such settlement of this institution.",
        "Check setl_id; a cancellation has an id of its own.",
    ),
    Code.SETTLEMENT_CANCELLED: Cure(
        "结算已撤销", "无需再次撤销", "The settlement is cancelled.", "Nothing is left to do."
    ),
    Code.NOT_REVERSIBLE: Cure(
        "该交易不能冲正或撤销，或须先处理后面的业务",
        "按提示改用撤销交易，或先撤销后面的结算",
        "It cannot be reversed or cancelled, or not before later business.",
        "Use the transaction that is named, or cancel the later bills first.",
    ),
    Code.REVERSAL_DIFFERS: Cure(
        "冲正与原报文的人员不一致",
        "冲正使用原报文的psn_no",
        "The reversal names another person than its original.",
        "Send the original's psn_no.",
    ),
    Code.PARAMETER_MISSING: Cure(
        "现行规则没有规定该情形所需的参数",
        "提示中列出了缺少的参数；请经办机构补充规则",
        "The law in force lacks a parameter that the case needs.",
        "The text names it; the bureau has to add it to the law.",
    ),
    Code.CARE_NOT_OFFERED: Cure(
        "该机构、险种或地区不办理此类业务",
        "核对机构类型、医疗类别和参保地",
        "This kind of care is not offered at this institution, scheme or area.",
        "Check kind of institution, med_type and insured area.",
    ),
    Code.BALANCE_SHORT: Cure(
        "个人账户余额不足以恢复原结算",
        "重新结算，由现金支付",
        "The personal account no longer holds what the settlement took.",
        "Settle anew; cash pays.",
    ),
    Code.FILE_UNKNOWN: Cure(
        "文件查询号不存在或不属于本机构",
        "使用9101或目录下载返回的file_qury_no",
        "There is no such file of this institution.",
        "Use the file_qury_no that 9101 or a catalogue download answered.",
    ),
    Code.FILE_EXPIRED: Cure(
        "文件已过下载期限",
        "重新申请下载",
        "The file's time to be fetched has passed.",
        "Ask for it anew.",
    ),
    Code.FILE_INVALID: Cure(
        "文件不是要求的ZIP，或内容的列、行不符合规定",
        "按提示的行和原因更正文件后重新上传",
        "The file is no ZIP as wanted, or a line or column of it is wrong.",
        "Correct the line that is named and upload the file again.",
    ),
    Code.SPAN_NOT_ALLOWED: Cure(
        "起止日期颠倒、跨度过长或在未来",
        "按提示更正起止日期",
        "The span of days is reversed, too long or in the future.",
        "Correct the days as the text says.",
    ),
    Code.OFFICE_DIFFERS: Cure(
        "结算经办机构与平台记录不一致",
        "使用结算返回的clr_optins",
        "The clearing office is not the one of these settlements.",
        "Send the clr_optins that the settlements answered.",
    ),
    Code.FIGURES_DIFFER: Cure(
        "申请的金额或笔数与平台合计不一致",
        "先对账（3201、3202），再按平台合计申请",
        "Amounts or counts are not the platform's.",
        "Reconcile (3201, 3202) first, then apply with the agreed figures.",
    ),
    Code.CLEARING_UNKNOWN: Cure(
        "清算申请不存在或不属于本机构",
        "使用3203返回的clr_appy_evt_id",
        "There is no such application of this institution.",
        "Use the clr_appy_evt_id that 3203 answered.",
    ),
    Code.CLEARING_EXISTS: Cure(
        "该月该类别已有清算申请",
        "如需更改，先用3204撤销",
        "There is an application for this month and kind.",
        "Withdraw it by 3204 to change it.",
    ),
    Code.CLEARING_DECIDED: Cure(
        "清算申请已审核，不能撤销",
        "联系经办机构",
        "The application was decided.",
        "Ask the bureau.",
    ),
    Code.LIST_UNKNOWN: Cure(
        "该结算没有已上传的结算清单",
        "先用4101或4101A上传结算清单",
        "No settlement list was uploaded for this settlement.",
        "Upload it by 4101 or 4101A first.",
    ),
    Code.LIST_SUBMITTED: Cure(
        "结算清单已提交，不能替换",
        "先用4102把stas_type改为0，再重新上传",
        "The list is submitted and cannot be replaced.",
        "Set stas_type back to 0 by 4102, then upload it again.",
    ),
    Code.LIST_DIFFERS: Cure(
        "结算清单与平台的结算不一致",
        "按提示的平台数据更正清单；数据以5203查询结果为准",
        "The list differs from the settlement on the platform.",
        "Correct the list; 5203 shows what counts.",
    ),
    Code.UPLOAD_UNKNOWN: Cure(
        "没有可删除或标记的自费病人上传记录",
        "核对fixmedins_mdtrt_id和明细流水号，可用4207、4208查询",
        "There is no such upload of a self-paying patient.",
        "Check fixmedins_mdtrt_id and the serials; 4207 and 4208 list them.",
    ),
    Code.UPLOAD_COMPLETE: Cure(
        "该自费病人的就诊已标记上传完成",
        "如需更改，先用4203把cplt_flag改为0",
        "The self-paying patient's visit is marked complete.",
        "Set cplt_flag back to 0 by 4203 to change it.",
    ),
    Code.FINDING_UNKNOWN: Cure(
        "审核结果不存在或不属于本机构",
        "使用3101、3102返回的jr_id",
        "There is no such finding of this institution.",
        "Use the jr_id that 3101 or 3102 answered.",
    ),
    Code.GOODS_UNKNOWN: Cure(
        "没有这样的商品记录，或已删除",
        "核对fixmedins_bchno和inv_data_type",
        "There is no living goods record of this serial number and kind.",
        "Check fixmedins_bchno and inv_data_type.",
    ),
    Code.CODE_SOLD: Cure(
        "药品追溯码已销售",
        "核对追溯码；本机构误传的，先用3506退货或3507删除",
        "The traceability code is sold already.",
        "Check the code; undo a mistaken sale of yours by 3506 or 3507.",
    ),
    Code.CODE_NOT_SOLD: Cure(
        "药品追溯码没有本机构的销售记录",
        "核对追溯码，或去掉追溯码后上传",
        "This institution did not sell the traceability code.",
        "Check the code, or send the return without it.",
    ),
    Code.PRESCRIPTION_UNKNOWN: Cure(
        "处方不存在，或与本机构无关",
        "核对处方编号、二维码或授权编号",
        "There is no such prescription, or it is not this institution's to see.",
        "Check the number, QR text or authorisation.",
    ),
    Code.PRESCRIPTION_STATE: Cure(
        "处方当前状态不允许该操作",
        "用D006查询状态，按签名、上传、下载、核销的顺序办理",
        "The prescription's state does not allow this.",
        "Ask its state (D006); sign, upload, take, dispense in this order.",
    ),
    Code.PRESCRIPTION_EXPIRED: Cure(
        "处方已过有效期",
        "请医师重新开方",
        "The prescription's validity has passed.",
        "Have a new one written.",
    ),
    Code.PRESCRIPTION_HELD: Cure(
        "处方已由其他药店下载，或本机构尚未下载",
        "请持有处方的药店用7204退回，或先用7203下载",
        "Another pharmacy has taken the prescription, or this one has not.",
        "Let its holder give it back by 7204, or take it by 7203 first.",
    ),
    Code.PRESCRIPTION_EXCEEDED: Cure(
        "药品不在处方内，或超过剩余数量",
        "按处方剩余药品和数量核销",
        "The drug is not prescribed, or more than is left of it.",
        "Hand out what the prescription leaves.",
    ),
    Code.PRESCRIPTION_EXISTS: Cure(
        "医院处方编号已被使用",
        "换用新的处方编号，或先撤销原处方",
        "The hospital's prescription number is in use.",
        "Use a new number, or withdraw the first prescription.",
    ),
    Code.PRESCRIPTION_SIGNATURE: Cure(
        "处方原件或签名值与签名时不一致",
        "重新用D002签名，原样上传返回的rxFile和signDigest",
        "The file or its signature is not what was signed.",
        "Sign again (D002); upload rxFile and signDigest as they came.",
    ),
    Code.ORDER_UNKNOWN: Cure(
        "支付订单不存在、不属于本机构，或令牌不符",
        "使用6201返回的payOrdId和payToken",
        "There is no such order of this institution, or the token is wrong.",
        "Use payOrdId and payToken of 6201's answer.",
    ),
    Code.ORDER_STATE: Cure(
        "订单当前状态不允许该操作",
        "用6301查询状态；已支付的订单用6203退费",
        "The order's state does not allow this.",
        "Ask its state (6301); refund a paid order by 6203.",
    ),
    Code.ORDER_EXISTS: Cure(
        "医疗机构订单号或退款流水号已用于其他内容",
        "换用新的订单号或退款流水号",
        "The order or refund number was used for something else.",
        "Use a new number.",
    ),
    Code.REFUND_EXCEEDS: Cure(
        "退费超过可退金额",
        "按提示的可退金额退费",
        "More than what was paid and not yet refunded.",
        "Refund at most what the text says is left.",
    ),
    Code.RECORD_EXISTS: Cure(
        "该编码已登记，或本次上传中重复",
        "变更用变更交易，重复的只传一条",
        "The code is registered already, or stands twice in the upload.",
        "Change it by the transaction for changes; send each once.",
    ),
    Code.RECORD_UNKNOWN: Cure(
        "本机构没有该登记",
        "核对编码；先上传再变更或撤销",
        "The institution has no such record.",
        "Check the code; upload before changing or withdrawing.",
    ),
    Code.BUSY: Cure(
        "系统繁忙，请求未受理",
        "稍后用原msgid重发",
        "The platform is busy; nothing was done.",
        "Send the same msgid again later.",
    ),
    Code.FAILED: Cure(
        "平台内部故障，请求未生效",
        "用原msgid重发；持续出现时把故障编号告知经办机构",
        "A fault of the platform; nothing was done.",
        "Send the same msgid again; if it stays, tell the bureau the fault's number.",
    ),
}
"""One entry for each code; a code without one is a defect that a test finds."""
