"""Sealing and finding again; where the key comes from."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.platform.crypto import Unsealable, Vault, load_key
from yibao.platform.settings import Settings, SettingsFault

VAULT = Vault(bytes(range(32)))


@given(st.text())
def test_a_sealed_text_opens_again(text: str) -> None:
    assert VAULT.open(VAULT.seal(text)) == text


def test_the_same_text_never_looks_the_same() -> None:
    assert VAULT.seal("张三") != VAULT.seal("张三")


def test_a_sealed_text_does_not_show_its_content() -> None:
    assert "张三".encode() not in VAULT.seal("张三")


@given(st.integers(0, 40), st.integers(1, 255))
def test_a_changed_value_does_not_open(place: int, flip: int) -> None:
    sealed = bytearray(VAULT.seal("123456789"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(Unsealable):
        VAULT.open(bytes(sealed))


@pytest.mark.parametrize("length", [0, 3, 4, 16, 20, 31])
def test_a_cut_value_does_not_open(length: int) -> None:
    with pytest.raises(Unsealable):
        VAULT.open(VAULT.seal("甲")[:length])


def test_another_key_does_not_open() -> None:
    with pytest.raises(Unsealable, match="another key"):
        Vault(bytes(32)).open(VAULT.seal("甲"))


def test_a_fingerprint_is_stable_and_keyed() -> None:
    assert VAULT.fingerprint("01", "1") == VAULT.fingerprint("01", "1")
    assert VAULT.fingerprint("01", "1") != Vault(bytes(32)).fingerprint("01", "1")
    assert len(VAULT.fingerprint("01", "1")) == 32


@given(st.lists(st.text(max_size=4), max_size=3), st.lists(st.text(max_size=4), max_size=3))
def test_different_parts_have_different_fingerprints(one: list[str], other: list[str]) -> None:
    assert (VAULT.fingerprint(*one) == VAULT.fingerprint(*other)) == (one == other)


def test_a_sandbox_makes_its_key_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", sandbox=True)
    key = load_key(settings)
    assert load_key(settings) == key
    assert stat.S_IMODE((tmp_path / "data" / "vault.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["vault.key"]


def test_two_sandboxes_have_two_keys(tmp_path: Path) -> None:
    one, other = (Settings(data=tmp_path / name, sandbox=True) for name in "ab")
    assert load_key(one) != load_key(other)


def test_a_missing_key_is_a_refusal_to_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match="YIBAO_VAULT_KEY"):
        load_key(Settings(data=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_given_key_is_used() -> None:
    ring = load_key(Settings(vault_key="ab" * 32))
    assert [key.secret for key in ring.keys] == [b"\xab" * 32]


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33])
def test_a_key_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingsFault, match="64 hex digits"):
        load_key(Settings(vault_key=text))
