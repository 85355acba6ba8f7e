"""The files that pages load, read once: style sheet, script, fonts, drawings.

The address of each contains a digest of them all, so a browser may keep them for good and gets a new version at once.
The style sheet is one file: the tokens, the shell's and every area's.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable
from pathlib import Path

from litestar import Request, Response, get

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import public
from gatehouse_portal.shell.area import Area

SHELL = Path(__file__).parent
STYLE_SHEET = "portal.css"
COMPRESSED = (".css", ".js", ".svg", ".txt")
FOR_GOOD = "public, max-age=31536000, immutable"


def style_sheet(areas: Iterable[Area]) -> str:
    """Tokens first, then the shell's rules, then those of the areas, which may refine the shell's."""
    sheets = [SHELL / "tokens.css", SHELL / "shell.css", *(area.folder / f"{area.name}.css" for area in areas)]
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())


class Assets:
    """All files below /static/, for these areas."""

    def __init__(self, areas: Iterable[Area]) -> None:
        static = sorted((SHELL / "static").iterdir())
        content = {file.name: file.read_bytes() for file in static if file.is_file()}
        content[STYLE_SHEET] = style_sheet(areas).encode()
        self.content = content
        self.gzipped = {
            name: gzip.compress(data, 9, mtime=0) for name, data in content.items() if name.endswith(COMPRESSED)
        }
        self.digest = hashlib.sha256(b"".join(name.encode() + data for name, data in content.items())).hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a file is served. Raises KeyError when there is none, so a template can't name a missing one."""
        if name not in self.content:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"


@get("/static/{digest:str}/{name:str}", guards=[public], include_in_schema=False, sync_to_thread=False)
def static_file(request: Request, digest: str, name: str) -> Response[bytes]:
    return _file(request, digest, name)


@get("/favicon.ico", guards=[public], include_in_schema=False, sync_to_thread=False)
def favicon(request: Request) -> Response[bytes]:
    return _file(request, "", "mark.svg")


def _file(request: Request, digest: str, name: str) -> Response[bytes]:
    assets: Assets = request.app.state.assets
    body = assets.content.get(name)
    if body is None:
        raise NotFound
    headers = {"Cache-Control": FOR_GOOD if digest == assets.digest else "no-cache", "Vary": "Accept-Encoding"}
    if name in assets.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        body = assets.gzipped[name]
        headers["Content-Encoding"] = "gzip"
    media_type = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0]
    return Response(body, headers=headers, media_type=media_type or "application/octet-stream")
