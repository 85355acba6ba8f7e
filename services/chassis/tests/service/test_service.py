"""Where a service finds the others: one variable each, or one rule for who uses them all."""

import shutil
from pathlib import Path

import pytest

from gatehouse_catalog import CatalogError, find_root
from gatehouse_chassis import ServiceContext

SERVICES = find_root(Path(__file__).parent) / "services"
RULE = {"GATEHOUSE_ENVIRONMENT": "test", "GATEHOUSE_SERVICE_URLS": "http://{service}"}


def test_who_uses_every_service_finds_each_by_the_rule() -> None:
    portal = ServiceContext.load(SERVICES / "portal", RULE)
    assert portal.addresses["person"] == "http://person"
    assert "portal" not in portal.addresses


def test_a_variable_of_its_own_wins() -> None:
    portal = ServiceContext.load(SERVICES / "portal", {**RULE, "GATEHOUSE_URL_PERSON": "http://127.0.0.1:8402/"})
    assert (portal.addresses["person"], portal.addresses["topics"]) == ("http://127.0.0.1:8402", "http://topics")


def test_an_image_without_the_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "services" / "portal").mkdir(parents=True)
    shutil.copy(SERVICES / "portal" / "service.toml", tmp_path / "services" / "portal")
    with pytest.raises(CatalogError, match="into the image"):
        ServiceContext.load(tmp_path / "services" / "portal", RULE)
