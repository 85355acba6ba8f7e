"""All SQL about sign-ins that are under way."""

from gatehouse_identity.sign_in.structs import PendingSignIn, Redeemed
from gatehouse_identity.tables import DB

SIGN_IN_ADD = DB.prepare(
    "insert into identity.sign_in (id, state_hash, nonce_hash, code_verifier, return_to, code_challenge, expires_at, "
    "created_request) values ($1, $2, $3, $4, $5, $6, now() + $7::interval, $8)"
)
SIGN_INS_SWEEP = DB.prepare(
    "delete from identity.sign_in where id in (select id from identity.sign_in "
    "where expires_at < now() - interval '1 hour' order by expires_at limit 20 for update skip locked)"
)
SIGN_IN_ANSWERED = DB.prepare(
    "update identity.sign_in set answered_at = now() "
    "where state_hash = $1 and answered_at is null and expires_at > now() "
    "returning id, nonce_hash, code_verifier, return_to",
    PendingSignIn,
)
SIGN_IN_CODE = DB.prepare(
    "update identity.sign_in set account_id = $2, code_hash = $3, expires_at = now() + $4::interval where id = $1"
)
SIGN_IN_REDEEMED = DB.prepare(
    "update identity.sign_in set redeemed_at = now() "
    "where code_hash = $1 and redeemed_at is null and expires_at > now() returning account_id, code_challenge",
    Redeemed,
)
