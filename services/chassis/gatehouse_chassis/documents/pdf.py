"""From a Typst template and values to a PDF that is accessible (PDF/UA-1) and can be archived (PDF/A-2a) in one file.

    pdf = await render(template, {"title": ..., "paragraphs": [...]}, at=receipt.issued_at)

Values reach the template as JSON (`json(bytes(sys.inputs.data))`), so nothing in them is ever read as markup, and the
template reads no file. The same template, values and time make the same bytes. It takes about 60 ms, in a thread.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import structlog

from gatehouse_chassis.documents import fonts

STANDARDS: list[Any] = ["a-2a", "ua-1"]

log = structlog.get_logger()


class RenderedPdf(msgspec.Struct, frozen=True):
    """`substituted`: characters that no font has, which a white square stands for. `standards`: what it conforms to."""

    content: bytes
    substituted: str
    standards: tuple[str, ...]


async def render(template: bytes, values: Mapping[str, Any], *, at: datetime) -> RenderedPdf:
    """`at`: the time that the document says it was made, with its zone."""
    return await asyncio.to_thread(render_now, template, values, at)


async def render_png(template: bytes, values: Mapping[str, Any], *, pixels_per_inch: float = 144) -> bytes:
    """A picture of a template's only page, made as a document is."""
    return await asyncio.to_thread(_png_now, template, values, pixels_per_inch)


def _png_now(template: bytes, values: Mapping[str, Any], pixels_per_inch: float) -> bytes:
    import typst  # noqa: PLC0415 - as below

    content = typst.compile(
        template,
        format="png",
        ppi=pixels_per_inch,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(_settable(msgspec.to_builtins(values), {}), ensure_ascii=False)},
    )
    assert isinstance(content, bytes)
    return content


def render_now(template: bytes, values: Mapping[str, Any], at: datetime) -> RenderedPdf:
    missing: dict[str, None] = {}
    shown = _settable(msgspec.to_builtins(values), missing)
    substituted = "".join(missing)
    import typst  # noqa: PLC0415 - 80 MB of code, which a service that renders nothing yet shouldn't load

    inputs = {"data": json.dumps(shown, ensure_ascii=False)}
    # Should a standard refuse what the fonts have, the document is still made, and says that it doesn't conform.
    choices: list[list[Any]] = [STANDARDS, []]
    for standards in choices:
        try:
            content = typst.compile(
                template,
                format="pdf",
                font_paths=_fonts(),
                ignore_system_fonts=True,
                sys_inputs=inputs,
                pdf_standards=standards,
                timestamp=at.replace(microsecond=0),
            )
        except typst.TypstError as error:
            if not standards:
                raise
            log.warning("a document doesn't conform", standards=standards, reason=error.message)
        else:
            assert isinstance(content, bytes)
            return RenderedPdf(content, substituted, tuple(standards))
    raise AssertionError


@cache
def _fonts() -> Any:
    import typst  # noqa: PLC0415 - as above

    folders = sorted({str(path.parent) for path in fonts.paths()})
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    # Typst takes what isn't a folder of fonts for one without any, and then sets documents without a letter.
    missing = [family for family in fonts.FAMILIES if family not in found.families()]
    if missing:
        raise RuntimeError(f"These fonts of documents can't be read: {', '.join(missing)}.")
    return found


def _settable(value: Any, missing: dict[str, None]) -> Any:
    if isinstance(value, str):
        text, replaced = fonts.substituted(value)
        missing.update(dict.fromkeys(replaced))
        return text
    if isinstance(value, Mapping):
        return {key: _settable(one, missing) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_settable(one, missing) for one in value]
    return value
