"""From the bytes of a request to its JSON object, whatever the sender calls them.

UTF-8 unless the content type names a Chinese charset; a byte order mark, a JSON text that holds
the object, and a form with one field are no reason to refuse. The content type itself is none.
"""

from typing import Any
from urllib.parse import parse_qsl

from yibao.gateway.reading import Contradiction, decode_json
from yibao.kernel.refusals import RefusalCode, Refused

_CHINESE = ("gbk", "gb2312", "gb18030")
_BOM = b"\xef\xbb\xbf"


def read_body(body: bytes, content_type: str = "") -> dict[str, Any]:
    """The object that a request's body holds, fractions kept as text; Refused when it is none."""
    try:
        data = _in_utf8(body, content_type).removeprefix(_BOM).strip()
        if not data.startswith((b"{", b'"')):
            data = _form_field(data)
        sent = decode_json(data)
        if type(sent) is str:
            sent = decode_json(sent)
    except Contradiction as contradiction:
        raise contradicts(contradiction) from None
    except ValueError as error:
        raise Refused(
            RefusalCode.MALFORMED, f"报文不是有效的UTF-8编码JSON：{error}", "body"
        ) from None
    if type(sent) is not dict:
        raise Refused(RefusalCode.MALFORMED, "报文应为一个JSON对象", "body")
    return sent


def contradicts(contradiction: Contradiction) -> Refused:
    """A field that stands twice in one object, each time with another value."""
    name = contradiction.name[:60]
    return Refused(RefusalCode.FIELD_CONTRADICTS, f"{name} 在同一对象中重复出现且取值不同", name)


def _in_utf8(body: bytes, content_type: str) -> bytes:
    if "charset" in content_type:
        charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
        if charset in _CHINESE:
            return body.decode("gb18030").encode()  # GBK and GB2312 are parts of it
    return body


def _form_field(data: bytes) -> bytes:
    """The one field of a form that looks like JSON, else the data as they are."""
    if b"=" not in data[:64] and not data.startswith(b"%7"):
        return data
    pairs = parse_qsl(data.decode("utf-8"), keep_blank_values=True)
    fields = [value or name for name, value in pairs]
    return fields[0].encode() if len(fields) == 1 and fields[0][:1] == "{" else data
