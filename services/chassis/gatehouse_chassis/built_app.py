"""A service that serves a built single-page application: the files of its folder `dist`, read once at start.

Files below `assets/` have a digest in their names, so browsers keep them for good; every other address below the app's
path is a page of it and gets index.html, which is never kept. Compressed copies are made when the app is built.
"""

import mimetypes
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get

from gatehouse_catalog import CatalogError
from gatehouse_catalog.structs import problem_of
from gatehouse_chassis.app import create_app
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.browser_headers import security_headers
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.service.service import ServiceContext

INDEX, ASSETS = "index.html", "assets/"
FOR_GOOD = "public, max-age=31536000, immutable"
# By preference: the ending of the copy, and its name as an encoding.
ENCODINGS = ((".br", "br"), (".gz", "gzip"))


def create(service: ServiceContext) -> Litestar:
    """The application of the app `service`. Raises CatalogError when it isn't built."""
    files = _read(service)

    @get(["/", "/{rest:path}"], guards=[public], include_in_schema=False, sync_to_thread=False)
    def file(request: Request[Any, Any, Any], rest: str = "") -> Response[bytes]:
        """A file of the app, or its page."""
        return _answer(request, files, str(rest).strip("/"))

    return create_app(service, [file], before_send=[security_headers(service.environment)])


def _read(service: ServiceContext) -> dict[str, bytes]:
    folder = service.entry.folder / "dist"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files_below(folder)}
    if INDEX not in files:
        fix = f"Build it: ./local/gate app build {service.name}. (./local/up serves it without, from its sources.)"
        raise CatalogError([problem_of(service.entry, "kind", "app", "has no built files in dist/.", fix)])
    return files


def _files_below(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _answer(request: Request[Any, Any, Any], files: dict[str, bytes], name: str) -> Response[bytes]:
    if name not in files:
        if name.startswith(ASSETS):  # of an older version; a page in its place would be run as a script
            raise NotFound
        name = INDEX
    headers = {"Vary": "Accept-Encoding", "Cache-Control": FOR_GOOD if name.startswith(ASSETS) else "no-cache"}
    body = files[name]
    accepted = {one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
    for ending, encoding in ENCODINGS:
        if encoding in accepted and name + ending in files:
            body = files[name + ending]
            headers["Content-Encoding"] = encoding
            break
    media_type = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0]
    return Response(body, headers=headers, media_type=media_type or "application/octet-stream")
