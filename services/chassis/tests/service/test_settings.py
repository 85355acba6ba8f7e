"""Settings: each value has the declared type and says where it came from; what doesn't fit is refused."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_catalog import CatalogError
from gatehouse_catalog.structs import Service, Setting
from gatehouse_chassis.service.settings import Settings, parse, resolve


def entry(**settings: dict[str, Any]) -> Service:
    declared = {key: msgspec.convert(value, Setting) for key, value in settings.items()}
    return Service(
        name="demo",
        domain="d",
        summary="s",
        path="/api/demo",
        port=8499,
        folder=Path("services/demo"),
        settings=declared,
    )


def origins(settings: Settings) -> dict[str, str]:
    return {item.key: str(item.origin) for item in settings}


LIMIT = {"type": "integer", "default": 14, "minimum": 1, "help": "Days until nobody asks any more"}
KEY = {"type": "text", "secret": True}


def test_a_value_comes_from_the_highest_place_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[other]\nlimit = 1\n\n[demo]\n# a comment\nlimit = 10\n")
    file = {"GATEHOUSE_SETTINGS_FILE": "settings.toml"}
    found = resolve(entry(limit=LIMIT), {}, tmp_path)
    assert (found.integer("limit"), origins(found)["limit"]) == (14, "default services/demo/service.toml")
    found = resolve(entry(limit=LIMIT), file, tmp_path)
    assert (found.integer("limit"), origins(found)["limit"]) == (10, "file settings.toml:6")
    found = resolve(entry(limit=LIMIT), {**file, "GATEHOUSE_SETTING_LIMIT": "7"}, tmp_path)
    assert (found.integer("limit"), origins(found)["limit"]) == (7, "environment GATEHOUSE_SETTING_LIMIT")


def test_a_secret_comes_from_its_own_variable_and_unset_is_said() -> None:
    assert origins(resolve(entry(key=KEY), {"GATEHOUSE_SECRET_KEY": "x"})) == {"key": "secret"}
    assert origins(resolve(entry(key=KEY), {"GATEHOUSE_SETTING_KEY": "x"})) == {"key": "unset"}


def test_a_secret_in_a_file_is_refused_outside_local(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[demo]\nkey = "hush"\n')
    surroundings = {"GATEHOUSE_SETTINGS_FILE": "s.toml", "GATEHOUSE_ENVIRONMENT": "production"}
    with pytest.raises(CatalogError, match=r"s\.toml:2: key: is a secret.*Pass it as GATEHOUSE_SECRET_KEY") as error:
        resolve(entry(key=KEY), surroundings, tmp_path)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"GATEHOUSE_SETTING_LIMIT": "many"}, "GATEHOUSE_SETTING_LIMIT: demo.limit = many: is not of type integer."),
        ({"GATEHOUSE_SETTING_LIMIT": "0"}, "demo.limit = 0: is below the minimum 1."),
        ({"GATEHOUSE_SETTINGS_FILE": "absent.toml"}, "absent.toml: is named by GATEHOUSE_SETTINGS_FILE"),
    ],
)
def test_a_wrong_value_stops_the_service(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as error:
        resolve(entry(limit=LIMIT), environ, tmp_path)
    assert said in str(error.value)


def test_an_undeclared_key_in_the_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[demo]\nlimt = 3\n")
    with pytest.raises(CatalogError, match='Did you mean "limit"'):
        resolve(entry(limit=LIMIT), {"GATEHOUSE_SETTINGS_FILE": "s.toml"}, tmp_path)


def test_code_that_reads_another_type_than_declared_fails_at_once() -> None:
    found = resolve(entry(limit=LIMIT), {})
    with pytest.raises(TypeError, match="declared as integer, and read as text"):
        found.text("limit")
    with pytest.raises(KeyError, match="isn't declared"):
        found.text("absent")


@given(
    st.one_of(
        st.integers(-(2**53), 2**53).map(lambda value: ("integer", value, str(value))),
        st.booleans().map(lambda value: ("boolean", value, str(value).lower())),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: ("number", value, repr(value))),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00")).map(lambda value: ("text", value, value)),
        st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)).map(lambda v: ("list", v, ", ".join(v))),
    )
)
def test_a_value_written_into_the_environment_reads_back(case: tuple[str, Any, str]) -> None:
    kind, value, text = case
    assert parse(msgspec.convert({"type": kind}, Setting), text) == value
    found = resolve(entry(x={"type": kind}), {"GATEHOUSE_SETTING_X": text})
    assert next(iter(found)).value == value


@given(st.text(), st.sampled_from(["integer", "number", "boolean", "duration", "url", "list", "text"]))
def test_any_text_is_either_the_declared_type_or_refused(text: str, kind: str) -> None:
    try:
        found = resolve(entry(x={"type": kind}), {"GATEHOUSE_SETTING_X": text})
    except CatalogError as error:
        assert "GATEHOUSE_SETTING_X: demo.x" in str(error)
        return
    reader = getattr(found, kind)
    reader("x")
