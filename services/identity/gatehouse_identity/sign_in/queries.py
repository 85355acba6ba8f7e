"""All SQL about sign-ins that are under way."""

from piccolo.querystring import QueryString

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg
from gatehouse_chassis.jobs.sweep import Sweep
from gatehouse_identity.sign_in.structs import PendingSignIn, Redeemed
from gatehouse_identity.tables import DB, SignIn

SIGN_IN_ADD = DB.prepare(
    InsertOf(
        {
            SignIn.id: arg(1),
            SignIn.state_hash: arg(2),
            SignIn.nonce_hash: arg(3),
            SignIn.code_verifier: arg(4),
            SignIn.return_to: arg(5),
            SignIn.code_challenge: arg(6),
            SignIn.expires_at: QueryString("now() + {}::interval", arg(7)),
            SignIn.created_request: arg(8),
            SignIn.invitation_hash: arg(9),
        }
    )
)
SIGN_INS = Sweep(SignIn, SignIn.expires_at)
SIGN_IN_ANSWERED = DB.prepare(
    SignIn.update({SignIn.answered_at: NOW})
    .where((SignIn.state_hash == arg(1)) & SignIn.answered_at.is_null() & (SignIn.expires_at > NOW))
    .returning(SignIn.id, SignIn.nonce_hash, SignIn.code_verifier, SignIn.return_to, SignIn.invitation_hash),
    PendingSignIn,
)
SIGN_IN_CODE = DB.prepare(
    SignIn.update(
        {
            SignIn.account_id: arg(2),
            SignIn.code_hash: arg(3),
            SignIn.expires_at: QueryString("now() + {}::interval", arg(4)),
            SignIn.proven_at: arg(5),
        }
    ).where(SignIn.id == arg(1))
)
SIGN_IN_REDEEMED = DB.prepare(
    SignIn.update({SignIn.redeemed_at: NOW})
    .where((SignIn.code_hash == arg(1)) & SignIn.redeemed_at.is_null() & (SignIn.expires_at > NOW))
    .returning(SignIn.account_id, SignIn.proven_at, SignIn.code_challenge),
    Redeemed,
)
