"""How a list shows its query parameters in /openapi.json: an `Operation` class of Litestar's, made per listing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

if TYPE_CHECKING:
    from gatehouse_chassis.lists.listing import Listing


def documented_operation(listing: "Listing[Any]") -> type[Operation]:
    """For a route's `operation_class`."""

    @dataclass
    class ListOperation(Operation):
        def __post_init__(self) -> None:
            declared = list(self.parameters or ())
            self.parameters = [*declared, *list_parameters(listing)]

    return ListOperation


def list_parameters(listing: "Listing[Any]") -> list[Parameter]:
    shown = [
        _parameter(
            name,
            Schema(type=OpenAPIType.ARRAY, items=filter.schema, max_items=50) if filter.repeats else filter.schema,
            filter.help or ("Only these; repeat it for any of several" if filter.repeats else "Only these"),
        )
        for name, filter in listing.filters.items()
    ]
    if listing.searched:
        schema = Schema(type=OpenAPIType.STRING, max_length=200)
        shown.append(_parameter("search", schema, "Part of the name, in any case of letters"))
    if listing.archivable:
        schema = Schema(type=OpenAPIType.BOOLEAN, default=False)
        shown.append(_parameter("archived", schema, "true: only archived ones; false: only others"))
    sorts = [prefix + name for name in listing.sorts for prefix in ("", "-")]
    return [
        *shown,
        _parameter(
            "sort",
            Schema(type=OpenAPIType.STRING, enum=sorts, default=listing.default_sort),
            "Order; with - in front the exact reverse",
        ),
        _parameter(
            "limit", Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=200, default=50), "Most items in a page"
        ),
        _parameter("cursor", Schema(type=OpenAPIType.STRING), "`next` of the page before"),
        _parameter("total", Schema(type=OpenAPIType.BOOLEAN, default=False), "true: also count all rows"),
    ]


def _parameter(name: str, schema: Schema, description: str) -> Parameter:
    return Parameter(name=name, param_in="query", schema=schema, description=description, required=False)
