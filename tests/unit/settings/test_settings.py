"""Settings: complete and of the right types, or refused with every name at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.settings import InvalidSetting, MissingSettings, Secret, SecretUnavailable, Settings, fill_environment, load


class Sample(Settings, frozen=True, kw_only=True):
    orders_table_name: str
    token_secrets: Secret
    xray_enabled: bool
    hold_seconds: int
    redis_url: str | None
    log_level: str = "INFO"


WHOLE = {
    "ORDERS_TABLE_NAME": "t",
    "TOKEN_SECRETS": '{"a": "one"}',
    "XRAY_ENABLED": "1",
    "HOLD_SECONDS": "600",
    "REDIS_URL": "redis://r",
    "LOG_LEVEL": "DEBUG",
}


def test_every_type_is_read() -> None:
    settings = load(Sample, WHOLE)
    assert (settings.orders_table_name, settings.xray_enabled, settings.hold_seconds) == ("t", True, 600)
    assert settings.token_secrets.keys() == {"a": "one"}
    assert (settings.redis_url, settings.log_level) == ("redis://r", "DEBUG")


def test_what_has_a_default_or_may_be_none_may_be_absent() -> None:
    needed = {name: WHOLE[name] for name in ("ORDERS_TABLE_NAME", "TOKEN_SECRETS", "XRAY_ENABLED", "HOLD_SECONDS")}
    settings = load(Sample, needed)
    assert settings.redis_url is None
    assert settings.log_level == "INFO"


def test_every_missing_name_is_said_at_once() -> None:
    with pytest.raises(MissingSettings) as missing:
        load(Sample, {"XRAY_ENABLED": "0", "HOLD_SECONDS": ""})
    assert missing.value.names == ["ORDERS_TABLE_NAME", "TOKEN_SECRETS", "HOLD_SECONDS"]
    assert all(name in str(missing.value) for name in missing.value.names)


@pytest.mark.parametrize(
    ("name", "text"), [("HOLD_SECONDS", "ten"), ("XRAY_ENABLED", "perhaps"), ("HOLD_SECONDS", "1.5")]
)
def test_what_cannot_be_read_is_named_without_its_value(name: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=name) as invalid:
        load(Sample, {**WHOLE, name: text})
    assert text not in str(invalid.value)


def test_a_secret_shows_itself_to_nobody_by_accident() -> None:
    settings = load(Sample, {**WHOLE, "TOKEN_SECRETS": '{"a": "hush-hush"}'})
    assert "hush-hush" not in f"{settings!r} {settings.token_secrets} {[settings.token_secrets]}"
    assert "hush-hush" in settings.token_secrets.reveal()


@pytest.mark.parametrize("text", ["", "plain", "{}", '{"a": ""}', '{"": "b"}', '{"a": 1}', '["a"]'])
def test_keys_are_an_object_of_named_secrets(text: str) -> None:
    with pytest.raises(SecretUnavailable):
        Secret(text).keys()


def test_the_order_of_keys_is_kept_because_the_first_signs() -> None:
    assert list(Secret('{"z": "1", "a": "2"}').keys()) == ["z", "a"]


class TestEnvironmentFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "environment.json"
        file.write_text(json.dumps({"STAGE": "dev", "RESOURCE_PREFIX": "from-file"}))
        return file

    def test_it_fills_what_is_not_set(self, file: Path) -> None:
        environ = {"STAGE": "test"}
        assert fill_environment(environ, file) == file
        assert environ == {"STAGE": "test", "RESOURCE_PREFIX": "from-file"}

    @pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL_DYNAMODB"])
    def test_it_is_left_alone_in_lambda_and_where_parts_are_given(self, file: Path, name: str) -> None:
        environ = {name: "x"}
        assert fill_environment(environ, file) is None
        assert environ == {name: "x"}

    def test_another_file_can_be_named_and_none_at_all(self, file: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.json"
        other.write_text('{"STAGE": "other"}')
        named = {"STAGEDOOR_ENVIRONMENT_FILE": str(other)}
        fill_environment(named, file)
        assert named["STAGE"] == "other"
        none = {"STAGEDOOR_ENVIRONMENT_FILE": ""}
        assert fill_environment(none, file) is None

    def test_a_file_of_another_shape_is_refused(self, file: Path) -> None:
        file.write_text('{"PORT": 1}')
        with pytest.raises(ValueError, match="strings"):
            fill_environment({}, file)
