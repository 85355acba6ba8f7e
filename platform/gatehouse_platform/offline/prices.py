"""The dated price table, `prices.toml`, as structs. Says where each price comes from and how sure it is."""

import datetime
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

CERTAINTIES = ("bill", "read", "derived", "unchecked")
FILE = Path(__file__).with_name("prices.toml")


class PriceError(Exception):
    """The table has no such price."""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    usd: float
    unit: str
    seen: Literal["bill", "read", "derived", "unchecked"]
    source: str


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of one region on one day, and what use is assumed."""

    region: str
    date: datetime.date
    hours_a_month: int
    price: dict[str, Price]
    database_hour: dict[str, Price]
    instance_hour: dict[str, Price]
    assumed: dict[str, float]

    def of(self, name: str) -> Price:
        return self.price[name]

    def instance(self, kind: str) -> Price:
        """An hour of a machine of that type. Raises PriceError with the fix."""
        if kind not in self.instance_hour:
            raise PriceError(
                f"platform/gatehouse_platform/offline/prices.toml: instance_hour: has no {kind}. "
                "Add it from https://aws.amazon.com/ec2/pricing/on-demand/ and change the table's date."
            )
        return self.instance_hour[kind]

    def database(self, instance: str) -> Price:
        """An hour of that class in one zone. Raises PriceError with the fix."""
        if instance not in self.database_hour:
            known = ", ".join(sorted(self.database_hour))
            raise PriceError(
                f"platform/gatehouse_platform/offline/prices.toml: database_hour: has no {instance} (it has {known}). "
                "Add it from https://aws.amazon.com/rds/postgresql/pricing/ and change the table's date."
            )
        return self.database_hour[instance]


@cache
def load_prices() -> Prices:
    return msgspec.toml.decode(FILE.read_bytes(), type=Prices)
