"""The forms for strangers, over HTTP."""

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.rate_limits import RateLimit, anonymous
from gatehouse_intake.addresses import normal_address, tidy_line
from gatehouse_intake.application.queries import apply
from gatehouse_intake.application.rules import refuse_without_consents
from gatehouse_intake.application.structs import ApplicationForm
from gatehouse_intake.door.queries import refuse_closed
from gatehouse_intake.form_proof import UNPROVEN, UNPROVEN_AFTER
from gatehouse_intake.sign_up import queries, rules
from gatehouse_intake.sign_up.structs import FormOpened, NewSignUp, Received, SignUpForm
from gatehouse_intake.tables import DB

STRANGERS = anonymous(per_minute=10, at_once=10)
FEW = RateLimit(per_minute=10, at_once=20)
"""Of forms without work: of all strangers together, since they may come from many addresses."""
TRAP = "leave this field empty"


class FormController(Controller):
    """For strangers. The answer is the same whoever they are."""

    tags = ("sign-ups",)

    @get("/form", operation_id="OpenForm", guards=[anonymous(per_minute=60, at_once=60)], summary="Begin a form")
    async def open_form(self, state: State, form: str = "") -> Response[FormOpened]:
        """`form`: the puzzle of a form that is open already, such as one that comes back with errors."""
        if form:
            state.form_tokens.refuse_foreign(form)
        token = form or state.form_tokens.issue(await DB.now())
        opened = FormOpened(token, state.form_proofs.puzzle(token))
        return Response(opened, headers={"Cache-Control": "no-store"})

    @post("/sign-ups", operation_id="SignUp", guards=[STRANGERS], status_code=202, summary="Sign up to learn here")
    async def sign_up(self, data: SignUpForm, state: State) -> Received:
        await refuse_closed("form")
        name, email = _who(data)
        number = await _number(data, state)
        new = NewSignUp(
            source="form",
            external_id=number,
            payload_hash=rules.digest_of(name, email, data.time_zone, data.goal),
            name=name,
            email=email,
            time_zone=data.time_zone,
            goal=data.goal,
        )
        async with DB.transaction():
            await queries.receive(new)
        return Received(received=True)

    @post(
        "/applications", operation_id="Apply", guards=[STRANGERS], status_code=202, summary="Apply to become a mentor"
    )
    async def apply_to_mentor(self, data: ApplicationForm, state: State) -> Received:
        await refuse_closed("form")
        name, email = _who(data)
        refuse_without_consents(data.consents)
        values = {
            "external_id": await _number(data, state),
            "name": name,
            "email": email,
            "knows": data.knows,
            "hours_month": data.hours_month,
            "time_zone": data.time_zone,
            "why": data.why,
            "consents": msgspec.to_builtins(data.consents),
        }
        async with DB.transaction():
            await apply(values)
        return Received(received=True)


async def _number(data: SignUpForm | ApplicationForm, state: State) -> str:
    """The form's own number. Raises Invalid for what came too quickly or without work, TooMany for many of those."""
    now = await DB.now()
    if data.proof:
        number = state.form_tokens.read(data.form, now)
        state.form_proofs.refuse_wrong(data.form, data.proof)
        return number
    number = state.form_tokens.read(data.form, now, UNPROVEN_AFTER, UNPROVEN)
    await state.rate_limiter.refuse_more("forms without work", "everybody", FEW)
    return number


def _who(data: SignUpForm | ApplicationForm) -> tuple[str, str]:
    """Name and address. Raises Invalid, also for what only programs do."""
    if data.website:
        raise Invalid({"website": TRAP})
    name, email = tidy_line(data.name), normal_address(data.email)
    if not name:
        raise Invalid({"name": "takes a name"})
    return name, email
