"""Files over HTTP: nobody keeps them on the way."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.openapi.spec import OpenAPIResponse, Operation
from litestar.params import QueryParameter

from gatehouse_chassis.documents.pdf import render
from gatehouse_ledger.document.rules import Issuer, template
from gatehouse_ledger.document.sheet import Sheet, csv_of, document_of

PDF = "application/pdf"
CSV = "text/csv"
UNCACHED = {"Cache-Control": "no-store"}
FileFormat = Literal["csv", "pdf"]
AsFormat = Annotated[FileFormat, QueryParameter(description="csv or pdf")]
_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass
class SheetOperation(Operation):
    """In /openapi.json, of a file that is a CSV or a PDF: Litestar writes one media type for an answer."""

    def __post_init__(self) -> None:
        for answer in (self.responses or {}).values():
            if isinstance(answer, OpenAPIResponse) and answer.content and PDF in answer.content:
                answer.content["text/csv"] = answer.content[PDF]


def pdf(content: bytes, name: str) -> Response[bytes]:
    headers = {**UNCACHED, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, media_type=PDF, headers=headers)


async def sheet_file(sheet: Sheet, format: FileFormat, issuer: Issuer, now: datetime) -> Response[bytes]:
    """The table in the format that was asked for, under a name that its title says."""
    name = _NO_NAME.sub("-", sheet.title.lower()).strip("-")
    if format == "csv":
        headers = {**UNCACHED, "Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(csv_of(sheet), media_type=CSV, headers=headers)
    content = document_of(sheet, issuer, now.date())
    return pdf((await render(template(), msgspec.to_builtins(content), at=now)).content, name)
