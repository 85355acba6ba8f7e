"""What depends on where identity runs: the personas of the local environment, the provider's settings, the secret."""

import pytest

from gatehouse_catalog import CatalogError

PERSONAS = "/api/identity/personas"
SIGN_IN = "/api/identity/sign-in"
BEGIN = {"return_to": "http://localhost:8400/", "code_challenge": "x" * 43}


@pytest.mark.parametrize("environment", ["dev", "test", "staging", "production"])
async def test_outside_the_local_environment_there_are_no_personas(service_url, serve, environment):
    # The database is full of personas, and every setting is as it would be locally.
    async with serve(service_url, GATEHOUSE_ENVIRONMENT=environment) as elsewhere:
        assert (await elsewhere.get(PERSONAS)).status_code == 404
        assert (await elsewhere.post(f"{PERSONAS}/admin/sessions")).status_code == 404
        assert (await elsewhere.post(f"{PERSONAS}/admin/sessions", json={"environment": "local"})).status_code == 404
        assert (await elsewhere.get(f"{SIGN_IN}/options")).json() == {
            "provider": None,
            "github": False,
            "personas": False,
        }


async def test_without_a_provider_the_answer_says_what_to_set(service_url, serve):
    async with serve(service_url) as unconfigured:
        answer = await unconfigured.get(SIGN_IN, params=BEGIN)
        assert (answer.status_code, "oidc_issuer" in answer.json()["detail"]) == (503, True)


async def test_a_provider_that_is_away_is_told_so(service_url, serve):
    environ = {"GATEHOUSE_SETTING_OIDC_ISSUER": "http://127.0.0.1:1", "GATEHOUSE_SETTING_OIDC_CLIENT_ID": "x"}
    async with serve(service_url, **environ) as lonely:
        answer = await lonely.get(SIGN_IN, params=BEGIN)
        assert (answer.status_code, "doesn't answer" in answer.json()["detail"]) == (503, True)


async def test_outside_the_local_environment_the_provider_must_be_safe(service_url, serve):
    environ = {"GATEHOUSE_SETTING_OIDC_ISSUER": "http://127.0.0.1:1", "GATEHOUSE_SETTING_OIDC_CLIENT_ID": "x"}
    async with serve(service_url, GATEHOUSE_ENVIRONMENT="production", **environ) as elsewhere:
        answer = await elsewhere.get(SIGN_IN, params=BEGIN)
        assert (answer.status_code, "https://" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize(("secret", "what"), [("", "is not set"), ("short", "is too short")])
async def test_it_does_not_start_without_a_good_secret(service_url, serve, secret, what):
    with pytest.raises(CatalogError, match=f"GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET.*{what}"):
        async with serve(service_url, GATEHOUSE_SECRET_KEY_ENCRYPTION_SECRET=secret):
            pass


async def test_operators_see_settings_and_nobody_sees_a_secret(service_url, serve):
    async with serve(service_url) as service:
        document = await service.get("/config", headers=service.tokens.headers("sre"))
        values = {item["key"]: item["value"] for item in document.json()["settings"]}
        assert (values["key_encryption_secret"], values["oidc_client_secret"]) == ("set", "unset")
        assert "for-tests-only" not in document.text
