"""Who may call what: every operation, so that a new one has to be decided on here."""

import time

import pytest

from gatehouse_chassis.app import unguarded_routes

PUBLIC = {
    "BeginSignIn",
    "FinishSignIn",
    "FinishSignInWithGitHub",
    "GetSignInOptions",
    "ListPersonas",
    "SignInAsPersona",
    "CreateSession",
    "RefreshSession",
    "IssueServiceToken",
    "ExchangeToken",
    "GetJwks",
    "LookAtInvitation",
    "SignInByInvitation",
}
SIGNED_IN = {"GetMe", "ListMySessions", "SignOut", "EndSession"}
COORDINATORS = {
    "ListAccounts",
    "CreateAccount",
    "GetAccount",
    "ListRoleGrants",
    "GetRoleGrant",
    "ListInvitations",
    "GetInvitation",
    "SendInvitationAgain",
    "WithdrawInvitation",
}
SERVICES = {"InvitePerson", "IssueInvitationLink"}
OPERATORS = {"ListSigningKeys"}
ADMINISTRATORS = {"ListServiceClients", "GetServiceClient", "ListAuditEntries"}
# What gives or takes rights: the same, with a recent sign-in.
RECENTLY = ", signed in during the last 30 minutes"
RECENT_COORDINATORS = {"Invite", "GrantRole", "RevokeRole"}
RECENT_OPERATORS = {"RotateSigningKeys", "WithdrawSigningKey"}
RECENT_ADMINISTRATORS = {
    "ChangeAccount",
    "ArchiveAccount",
    "RestoreAccount",
    "CreateServiceClient",
    "ChangeServiceClient",
    "RotateServiceClientSecret",
    "ArchiveServiceClient",
}


async def operations(identity) -> list[tuple[str, str, dict]]:
    document = (await identity.get("/openapi.json")).json()
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/api/identity")
    ]


async def test_every_operation_lets_through_those_it_should(identity):
    allowed: dict[str, set[str]] = {}
    for _, _, operation in await operations(identity):
        allowed.setdefault(operation["x-gatehouse-allows"], set()).add(operation["operationId"])
    assert allowed == {
        "anyone": PUBLIC,
        "anyone signed in": SIGNED_IN,
        "admin or coordinator": COORDINATORS,
        "admin or sre": OPERATORS,
        "admin": ADMINISTRATORS,
        f"admin or coordinator{RECENTLY}": RECENT_COORDINATORS,
        f"admin or sre{RECENTLY}": RECENT_OPERATORS,
        f"admin{RECENTLY}": RECENT_ADMINISTRATORS,
        "other services": SERVICES,
    }
    assert unguarded_routes(identity.app) == []


async def test_without_a_token_every_other_operation_is_a_401(identity):
    for method, path, operation in await operations(identity):
        if operation["operationId"] in PUBLIC:
            continue
        address = path.replace("{id}", "019a0000-0002-7000-8000-000000000001")
        answer = await identity.request(method.upper(), address, json=None if method == "get" else {})
        assert answer.status_code == 401, f"{method} {path}"


@pytest.mark.parametrize("claims", [{"auth_time": 0}, {"auth_time": time.time() - 1801}], ids=["never", "too long ago"])
async def test_what_gives_rights_takes_a_recent_sign_in(identity, claims):
    headers = identity.tokens.headers("admin", **claims)
    for method, path, operation in await operations(identity):
        if RECENTLY not in operation["x-gatehouse-allows"]:
            continue
        address = path.replace("{id}", "019a0000-0002-7000-8000-000000000001").replace("{kid}", "a-key")
        answer = await identity.request(method.upper(), address, json={}, headers=headers)
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.json()["type"] == "urn:gatehouse:problem:sign-in-too-old"
        challenge = answer.headers["www-authenticate"]  # RFC 9470, section 3
        assert challenge == 'Bearer error="insufficient_user_authentication", max_age="1800"'
        answer = await identity.request(method.upper(), address, json={}, headers=identity.tokens.headers("admin"))
        assert answer.status_code != 401, f"{method} {path}"


async def test_reading_and_a_service_take_no_recent_sign_in(identity):
    old = identity.tokens.headers("admin", auth_time=0)
    assert (await identity.get("/api/identity/role-grants", headers=old)).status_code == 200
    service = identity.tokens.headers("admin", kind="service", auth_time=0)
    answer = await identity.post("/api/identity/role-grants", json={}, headers=service)
    assert answer.status_code == 400


async def test_every_operation_says_what_it_does(identity):
    for method, path, operation in await operations(identity):
        assert operation.get("summary"), f"{method} {path}"
        assert operation.get("operationId"), f"{method} {path}"
