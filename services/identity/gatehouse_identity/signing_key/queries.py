"""All SQL about signing keys."""

# ruff: noqa: S608 - the only texts put in are constants of this file

from gatehouse_identity.signing_key.structs import KeyRow
from gatehouse_identity.tables import DB

_KEY = "id, kid, public_jwk, private_key, signs_from, published_until, created_at"
KEYS = DB.prepare(f"select {_KEY} from identity.signing_key order by created_at, id", KeyRow)
KEY_ADD = DB.prepare(
    "insert into identity.signing_key (id, kid, public_jwk, private_key, signs_from) values ($1, $2, $3, $4, $5) "
    f"returning {_KEY}",
    KeyRow,
)
KEY_SIGNS_FROM = DB.prepare("update identity.signing_key set signs_from = $2 where id = $1")
KEYS_RETIRE = DB.prepare(
    "update identity.signing_key set published_until = $2 where id <> $1 and published_until is null"
)
KEY_WITHDRAW = DB.prepare("update identity.signing_key set published_until = now(), private_key = null where kid = $1")
KEYS_ERASE = DB.prepare(
    "update identity.signing_key set private_key = null where published_until < now() and private_key is not null"
)
