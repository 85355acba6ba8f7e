"""The forms for strangers, over HTTP."""

from litestar import Controller, Response, get, post
from litestar.datastructures import State

from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_intake.addresses import normal_address, tidy_line
from gatehouse_intake.application.queries import apply
from gatehouse_intake.application.structs import ApplicationForm
from gatehouse_intake.door.queries import refuse_closed
from gatehouse_intake.sign_up import queries, rules
from gatehouse_intake.sign_up.structs import FormOpened, NewSignUp, Received, SignUpForm
from gatehouse_intake.tables import DB

STRANGERS = anonymous(per_minute=10, at_once=10)
TRAP = "leave this field empty"


class FormController(Controller):
    """For strangers. The answer is the same whoever they are."""

    tags = ("sign-ups",)

    @get("/form", operation_id="OpenForm", guards=[anonymous(per_minute=60, at_once=60)], summary="Begin a form")
    async def open_form(self, state: State) -> Response[FormOpened]:
        opened = FormOpened(state.form_tokens.issue(await DB.now()))
        return Response(opened, headers={"Cache-Control": "no-store"})

    @post("/sign-ups", operation_id="SignUp", guards=[STRANGERS], status_code=202, summary="Sign up to learn here")
    async def sign_up(self, data: SignUpForm, state: State) -> Received:
        await refuse_closed("form")
        name, email = _who(data)
        new = NewSignUp(
            source="form",
            external_id=state.form_tokens.read(data.form, await DB.now()),
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
        values = {
            "external_id": state.form_tokens.read(data.form, await DB.now()),
            "name": name,
            "email": email,
            "knows": data.knows,
            "hours_month": data.hours_month,
            "time_zone": data.time_zone,
            "why": data.why,
        }
        async with DB.transaction():
            await apply(values)
        return Received(received=True)


def _who(data: SignUpForm | ApplicationForm) -> tuple[str, str]:
    """Name and address. Raises Invalid, also for what only programs do."""
    if data.website:
        raise Invalid({"website": TRAP})
    name, email = tidy_line(data.name), normal_address(data.email)
    if not name:
        raise Invalid({"name": "takes a name"})
    return name, email
