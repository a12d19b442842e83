"""Reads curl commands as people copy them: from a shell, a browser (``$'…'``), Postman (a body over
many lines).
"""

import re
from collections.abc import Iterator

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{1,4}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_WORD = re.compile(
    r"""\$'(?P<coded>(?:[^'\\]|\\.)*)'     # as browsers quote what is not ASCII
      | '(?P<single>[^']*)'
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | \\(?P<joined>\r?\n)                # a command goes on in the next line
      | \\(?P<escaped>.)
      | (?P<end>[\n;])
      | (?P<space>[ \t\r]+)
      | (?P<plain>[^\s'"\\;])
    """,
    re.VERBOSE | re.DOTALL,
)


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command. Raises ValueError at a quote that does not end."""
    words: list[str] = []
    word: str | None = None
    place = 0
    while place < len(text):
        found = _WORD.match(text, place)
        if found is None:
            line = text.count("\n", 0, place) + 1
            raise ValueError(f"line {line}: a quotation that does not end")
        place = found.end()
        kind = found.lastgroup or ""
        if kind in ("end", "space", "joined"):
            if word is not None:
                words.append(word)
            word = None
            if kind == "end" and words:
                yield words
                words = []
        else:
            word = (word or "") + _meant(kind, found[kind])
    if word is not None:
        words.append(word)
    if words:
        yield words


def _meant(kind: str, text: str) -> str:
    if kind == "coded":
        return _ESCAPE.sub(_decoded, text)
    if kind == "double":
        return re.sub(r'\\(["\\$`])', r"\1", text).replace("\\\n", "")
    return text


def _decoded(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
