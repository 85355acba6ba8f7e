"""Errors as RFC 9457 problem details (`application/problem+json`).

Services raise these types; nothing else reaches a client. The cause of an exception (a database's text, a path) stays
in the log, under the request id that the client gets as `instance`.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

MEDIA_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """An invalid field: its dotted path in the request, what is wrong and how to fix it."""

    field: str
    message: str


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error answer (https://www.rfc-editor.org/rfc/rfc9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[FieldError, ...] = ()


class ApiProblem(Exception):
    """Base of all errors that a client may see. `detail` says what happened and how to fix it."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(FieldError(field, message) for field, message in (errors or {}).items())
        self.headers = dict(headers or {})

    def details(self, instance: str = "") -> ProblemDetails:
        return ProblemDetails(
            type=f"urn:gatehouse:problem:{self.slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors,
        )


class Invalid(ApiProblem):
    """400: the request is invalid. Takes {field: what is wrong and how to fix it}."""

    status = 400
    slug = "invalid"
    title = "The request isn't valid"

    def __init__(self, errors: Mapping[str, str], detail: str = "") -> None:
        super().__init__(detail or "; ".join(f"{field}: {text}" for field, text in errors.items()), errors=errors)


class Unauthenticated(ApiProblem):
    status = 401
    slug = "unauthenticated"
    title = "Sign in first"

    def __init__(self, detail: str = "Send a bearer token that identity has issued.") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class SignInTooOld(ApiProblem):
    """401: this takes a sign-in of the last minutes (RFC 9470). The session goes on; only this waits for a new one."""

    status = 401
    slug = "sign-in-too-old"
    title = "Sign in again to do this"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"It takes a sign-in of the last {seconds // 60} minutes. Nothing was changed; sign in and repeat it.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_user_authentication", max_age="{seconds}"'},
        )


class Forbidden(ApiProblem):
    status = 403
    slug = "forbidden"
    title = "Your roles don't allow this"


class NotFound(ApiProblem):
    """404: it doesn't exist, or the caller may not see it. The response doesn't tell which."""

    status = 404
    slug = "not-found"
    title = "There is no such thing here"


class GoneForGood(ApiProblem):
    """410: it was here, and doesn't come back."""

    status = 410
    slug = "gone"
    title = "This is gone for good"


class NotAllowedHere(ApiProblem):
    status = 405
    slug = "method-not-allowed"
    title = "This address doesn't answer that method"


class Conflict(ApiProblem):
    status = 409
    slug = "conflict"
    title = "Conflict with the current state"


class StaleVersion(ApiProblem):
    status = 412
    slug = "stale-version"
    title = "Someone else changed this first"


class TooLarge(ApiProblem):
    status = 413
    slug = "too-large"
    title = "The request is too large"


class Unsupported(ApiProblem):
    status = 415
    slug = "unsupported-media-type"
    title = "Send application/json"


class Unprocessable(ApiProblem):
    status = 422
    slug = "unprocessable"
    title = "The request is understood, but can't be carried out"


class MatchRequired(ApiProblem):
    status = 428
    slug = "match-required"
    title = "Say which version you are changing"


class TooMany(ApiProblem):
    status = 429
    slug = "too-many"
    title = "Too many requests; wait a little"


class BodyTooSlow(ApiProblem):
    """408: the body wasn't there in time."""

    status = 408
    slug = "body-too-slow"
    title = "The request's body took too long"

    def __init__(self) -> None:
        super().__init__("Send the whole request at once.", headers={"Connection": "close"})


class Incomplete(ApiProblem):
    """400: the caller hung up before the body was there; nobody reads this answer, but it is counted and logged."""

    status = 400
    slug = "incomplete"
    title = "The request's body broke off"


class Misdirected(ApiProblem):
    """421: the request names a host that isn't this platform's (RFC 9110, section 15.5.20)."""

    status = 421
    slug = "misdirected"
    title = "This platform has another name"


class Overloaded(ApiProblem):
    """503: more requests at once than this process, or one caller, may have. Nothing was done; repeating is safe."""

    status = 503
    slug = "overloaded"
    title = "Too many requests at once"

    def __init__(self) -> None:
        super().__init__("Nothing was done. Try again in a moment.", headers={"Retry-After": "1"})


class Unavailable(ApiProblem):
    """503: a part that is needed doesn't answer in time. Trying again later may work."""

    status = 503
    slug = "unavailable"
    title = "A part that is needed doesn't answer"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


BY_STATUS: dict[int, type[ApiProblem]] = {
    kind.status: kind
    for kind in (
        Unauthenticated,
        Forbidden,
        NotFound,
        NotAllowedHere,
        Conflict,
        GoneForGood,
        StaleVersion,
        TooLarge,
        Unsupported,
        Unprocessable,
        MatchRequired,
        TooMany,
    )
}
