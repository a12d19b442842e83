"""Where settings come from, and that they can be shown."""

from pathlib import Path

import pytest

from yibao.platform.settings import Settings, SettingsFault, load_settings, mask_url


def test_defaults_need_nothing() -> None:
    assert load_settings(environment={}) == Settings()


def test_the_environment_goes_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = tmp_path / "yibao.toml"
    file.write_text('host = "0.0.0.0"\nport = 1\nworkers = 3\nsandbox = true\n')
    environment = {"YIBAO_CONFIG": str(file), "YIBAO_PORT": "2", "YIBAO_WORKERS": "4"}
    settings = load_settings({"workers": 5, "data": None}, environment)
    assert (settings.host, settings.port, settings.workers) == ("0.0.0.0", 2, 5)
    assert settings.sandbox
    assert settings.data == Path("var")


def test_database_url_is_read_without_prefix() -> None:
    url = "postgresql://me:secret@db/yibao"
    assert load_settings(environment={"DATABASE_URL": url}).database_url == url


def test_an_empty_variable_says_nothing() -> None:
    assert load_settings(environment={"DATABASE_URL": "", "YIBAO_PORT": ""}) == Settings()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"YIBAO_PORT": "many"}, "port"),
        ({"YIBAO_PORT": "70000"}, "port"),
        ({"YIBAO_WORKERS": "0"}, "workers"),
        ({"YIBAO_SANDBOX": "maybe"}, "sandbox"),
        ({"YIBAO_LOG_LEVEL": "loud"}, "log_level"),
        ({"YIBAO_LOG_FORMAT": "xml"}, "log_format"),
        ({"DATABASE_URL": "mysql://db"}, "DATABASE_URL"),
        ({"YIBAO_CONFIG": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_a_wrong_value_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsFault, match=named):
        load_settings(environment=environment)


@pytest.mark.parametrize(("content", "named"), [("prot = 1", "prot"), ("port =", "TOML")])
def test_a_wrong_file_is_named(tmp_path: Path, content: str, named: str) -> None:
    file = tmp_path / "yibao.toml"
    file.write_text(content)
    with pytest.raises(SettingsFault, match=named):
        load_settings(environment={"YIBAO_CONFIG": str(file)})


def test_a_child_process_gets_the_same_settings() -> None:
    settings = Settings(
        data=Path("/x"), database_url="postgresql://db", sandbox=True, port=7, vault_key="ab"
    )
    assert load_settings(environment=settings.environment()) == settings


def test_shown_settings_hide_secrets() -> None:
    settings = Settings(database_url="postgresql://me:geheim@db/yibao", vault_key="geheim")
    shown = settings.masked()
    assert "geheim" not in str(shown)
    assert shown["database_url"] == "postgresql://me:***@db/yibao"
    assert shown["port"] == "8765"


def test_a_password_is_hidden_wherever_it_stands_in_a_url() -> None:
    masked = mask_url("postgresql://u:a@/yibao?host=%2Ftmp&password=b")
    assert masked == "postgresql://u:***@/yibao?host=%2Ftmp&password=***"
