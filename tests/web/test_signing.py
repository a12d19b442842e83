"""Signatures side by side."""

from yibao.gateway.exchange import SignatureTrace
from yibao.web.signing import compare


def marked(expected: str, sent: str) -> tuple[str, str]:
    found = compare(SignatureTrace("x-tif", expected=expected, sent=sent))
    return tuple(  # type: ignore[return-value]
        "".join(run.text if run.same else f"[{run.text}]" for run in runs)
        for runs in (found.expected, found.sent)
    )


def test_differing_characters_are_marked_on_both_sides() -> None:
    assert marked("abcd", "abXd") == ("ab[c]d", "ab[X]d")


def test_what_is_missing_or_too_much_is_marked() -> None:
    assert marked("abcd", "ab") == ("ab[cd]", "ab")
    assert marked("ab", "abcd") == ("ab", "ab[cd]")


def test_without_a_computed_one_nothing_is_marked() -> None:
    assert marked("", "abcd") == ("", "abcd")
