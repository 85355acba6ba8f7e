"""The files that pages need, read once: style sheet, script, fonts, drawings. Their address has a digest of them all in
it, so a browser may keep them for good and a new version is fetched at once.
"""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from litestar import Request, Response, get

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import public

FOLDER = Path(__file__).parent / "static"
COMPRESSED = (".css", ".js", ".svg", ".txt")
FOR_GOOD = "public, max-age=31536000, immutable"

_content = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.is_file()}
_gzipped = {name: gzip.compress(data, 9, mtime=0) for name, data in _content.items() if name.endswith(COMPRESSED)}
DIGEST = hashlib.sha256(b"".join(name.encode() + data for name, data in _content.items())).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file in static/. Raises KeyError when there is none, so a template can't name a missing one."""
    if name not in _content:
        raise KeyError(name)
    return f"/static/{DIGEST}/{name}"


@get("/static/{digest:str}/{name:str}", guards=[public], include_in_schema=False, sync_to_thread=False)
def static_file(request: Request, digest: str, name: str) -> Response[bytes]:
    return _file(request, digest, name)


@get("/favicon.ico", guards=[public], include_in_schema=False, sync_to_thread=False)
def favicon(request: Request) -> Response[bytes]:
    return _file(request, "", "mark.svg")


def _file(request: Request, digest: str, name: str) -> Response[bytes]:
    if name not in _content:
        raise NotFound
    headers = {"Cache-Control": FOR_GOOD if digest == DIGEST else "no-cache", "Vary": "Accept-Encoding"}
    body = _content[name]
    if name in _gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        body = _gzipped[name]
        headers["Content-Encoding"] = "gzip"
    kind = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(body, headers=headers, media_type=kind)
