"""What exists locally only isn't there in any other environment."""


async def test_a_one_time_link_alone_signs_nobody_in(service_url, serve):
    async with serve(service_url, GATEHOUSE_ENVIRONMENT="production") as identity:
        answer = await identity.post("/api/identity/invitations/sessions", json={"token": "x" * 43})
        assert answer.status_code == 404
