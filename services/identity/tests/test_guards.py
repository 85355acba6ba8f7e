"""Who may call what: every operation, so that a new one has to be decided on here."""

from gatehouse_chassis.app import unguarded_routes

PUBLIC = {
    "BeginSignIn",
    "FinishSignIn",
    "GetSignInOptions",
    "ListPersonas",
    "SignInAsPersona",
    "CreateSession",
    "RefreshSession",
    "IssueServiceToken",
    "GetJwks",
}
SIGNED_IN = {"GetMe", "ListMySessions", "SignOut", "EndSession"}
COORDINATORS = {
    "ListAccounts",
    "CreateAccount",
    "GetAccount",
    "ListRoleGrants",
    "GrantRole",
    "GetRoleGrant",
    "RevokeRole",
}
OPERATORS = {"ListSigningKeys", "RotateSigningKeys", "WithdrawSigningKey"}
ADMINISTRATORS = {
    "ChangeAccount",
    "ArchiveAccount",
    "RestoreAccount",
    "ListServiceClients",
    "CreateServiceClient",
    "GetServiceClient",
    "ChangeServiceClient",
    "RotateServiceClientSecret",
    "ArchiveServiceClient",
    "ListAuditEntries",
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
    }
    assert unguarded_routes(identity.app) == []


async def test_without_a_token_every_other_operation_is_a_401(identity):
    for method, path, operation in await operations(identity):
        if operation["operationId"] in PUBLIC:
            continue
        address = path.replace("{id}", "019a0000-0002-7000-8000-000000000001")
        answer = await identity.request(method.upper(), address, json=None if method == "get" else {})
        assert answer.status_code == 401, f"{method} {path}"


async def test_every_operation_says_what_it_does(identity):
    for method, path, operation in await operations(identity):
        assert operation.get("summary"), f"{method} {path}"
        assert operation.get("operationId"), f"{method} {path}"
