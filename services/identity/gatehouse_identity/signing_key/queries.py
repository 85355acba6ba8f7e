"""All SQL about signing keys."""

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_identity.signing_key.structs import KeyRow
from gatehouse_identity.tables import DB, SigningKey

_KEY = columns_for(KeyRow, SigningKey)
KEYS = DB.prepare(SigningKey.select(*_KEY).order_by(SigningKey.created_at, SigningKey.id), KeyRow)
KEY_ADD = DB.prepare(
    InsertOf(
        {
            SigningKey.id: arg(1),
            SigningKey.kid: arg(2),
            SigningKey.public_jwk: arg(3),
            SigningKey.private_key: arg(4),
            SigningKey.signs_from: arg(5),
        }
    ).returning(*_KEY),
    KeyRow,
)
# By hand: Piccolo has no operators of documents. Nobody changes or removes an entry of the audit trail.
KEY_WAS_WITHDRAWN = DB.prepare_sql(
    "select exists (select from identity.audit_entry where subject_id = $1 and action = 'keys_rotated' "
    "and details ? 'withdrawn')"
)
KEY_SIGNS_FROM = DB.prepare(SigningKey.update({SigningKey.signs_from: arg(2)}).where(SigningKey.id == arg(1)))
KEYS_RETIRE = DB.prepare(
    SigningKey.update({SigningKey.published_until: arg(2)}).where(
        (SigningKey.id != arg(1)) & SigningKey.published_until.is_null()
    )
)
KEY_WITHDRAW = DB.prepare(
    SigningKey.update({SigningKey.published_until: NOW, SigningKey.private_key: None}).where(SigningKey.kid == arg(1))
)
KEYS_ERASE = DB.prepare(
    SigningKey.update({SigningKey.private_key: None}).where(
        (SigningKey.published_until < NOW) & SigningKey.private_key.is_not_null()
    )
)
