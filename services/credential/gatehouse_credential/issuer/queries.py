"""All SQL about issuer keys."""

from piccolo.querystring import QueryString

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_credential.issuer.structs import IssuerKeyRow
from gatehouse_credential.tables import DB, IssuerKey

_columns = columns_for(IssuerKeyRow, IssuerKey)
KEYS = DB.prepare(IssuerKey.select(*_columns).order_by(IssuerKey.created_at, IssuerKey.id), IssuerKeyRow)
KEY_COUNT = DB.prepare(IssuerKey.select(QueryString("count(*)")))
RETIRE = DB.prepare(
    IssuerKey.update({IssuerKey.signs_until: NOW, IssuerKey.sealed_private: None}).where(
        IssuerKey.signs_until.is_null()
    )
)
ADD = DB.prepare(
    InsertOf(
        {
            IssuerKey.id: arg(1),
            IssuerKey.kid: arg(2),
            IssuerKey.sealed_public: arg(3),
            IssuerKey.sealed_private: arg(4),
            IssuerKey.created_by: arg(5),
        }
    )
)
