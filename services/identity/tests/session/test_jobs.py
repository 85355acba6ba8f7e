"""What identity forgets by itself, on a clock that the test sets."""

from datetime import UTC, datetime, timedelta

from gatehouse_identity.tables import DB

SESSION = (
    "insert into identity.session (account_id, method, family_hash, token_hash, expires_at, ends_at) "
    "select id, 'oidc', $1, $1, $2, $2 from identity.account limit 1"
)
SIGN_IN = (
    "insert into identity.sign_in (state_hash, nonce_hash, code_verifier, return_to, code_challenge, expires_at) "
    "values ($1, $1, 'x', 'http://localhost:8400/', 'x', $2)"
)
LEFT = "select array_agg({0} order by {0}) from identity.{1} where {0} like 'swept-%'"


async def test_sessions_and_sign_ins_are_forgotten_when_their_time_is_over(identity):
    jobs = identity.app.state.jobs
    now = datetime.now(UTC)
    for days in (29, 31):
        await DB.execute(SESSION, f"swept-{days}", now - timedelta(days=days))
    for minutes in (59, 61):
        await DB.execute(SIGN_IN, f"swept-{minutes}", now - timedelta(minutes=minutes))
    await jobs.run_now("forget_sessions")
    await jobs.run_now("forget_sign_ins")
    await jobs.run_due()
    assert await DB.fetchval(LEFT.format("family_hash", "session")) == ["swept-29"]
    assert await DB.fetchval(LEFT.format("state_hash", "sign_in")) == ["swept-59"]
    jobs.clock = lambda: now + timedelta(days=3)
    await jobs.run_due()
    jobs.clock = lambda: None
    assert await DB.fetchval(LEFT.format("family_hash", "session")) is None
    assert await DB.fetchval(LEFT.format("state_hash", "sign_in")) is None
