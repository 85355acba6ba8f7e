"""What an action answers: a sentence at the edge of the page and, where it can be undone, the form that undoes it.

htmx gets it with the part of the page that changed. A browser without JavaScript gets it on the page that the form
leads to: it travels in a cookie, encrypted, for that one page.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Redirect

from gatehouse_portal.shell.sessions import SessionStore

COOKIE = "gatehouse_toast"
SECONDS = 60


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """The form that takes an action back.

    Attributes:
        target: the id of the element whose content htmx replaces with the answer; empty where a whole page answers.
        then: ids of elements of which the first that exists gets the focus afterwards.
    """

    path: str
    fields: Mapping[str, str]
    target: str
    then: tuple[str, ...] = ()


class Toast(msgspec.Struct, frozen=True):
    text: str
    undo: Undo | None = None


def see_with(request: Request[Any, Any, Any], path: str, toast: Toast) -> Redirect:
    """To another page after a form, which shows `toast`."""
    sessions: SessionStore = request.app.state.sessions
    response = Redirect(path, status_code=303)
    response.set_cookie(_cookie(request, sessions.hide(msgspec.json.encode(toast).decode()), SECONDS))
    return response


def pending(request: Request[Any, Any, Any]) -> Toast | None:
    """The toast that this page is to show."""
    sessions: SessionStore = request.app.state.sessions
    text = sessions.reveal(request.cookies.get(COOKIE, ""), seconds=SECONDS)
    return None if text is None else msgspec.json.decode(text, type=Toast)


def forget(request: Request[Any, Any, Any]) -> Cookie:
    """The cookie that removes a toast that was shown."""
    return _cookie(request, "", 0)


def _cookie(request: Request[Any, Any, Any], value: str, max_age: int) -> Cookie:
    secure = request.app.state.service.environment != "local"
    return Cookie(key=COOKIE, value=value, path="/", max_age=max_age, httponly=True, samesite="lax", secure=secure)
