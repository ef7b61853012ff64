"""auth over HTTP."""

from datetime import timedelta

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from server.auth import service
from server.auth.schemas import (
    CreatedToken,
    Credentials,
    CurrentUser,
    NewToken,
    Session,
    SignIn,
    TokenInUse,
    TokenOut,
    TokenQuery,
    UserOut,
)
from server.kit import limits
from server.kit.auth import ACCOUNT, Principal, SigningKey
from server.kit.cursors import decode_id_cursor, encode_cursor
from server.kit.errors import TooMany
from server.kit.http import authenticate, no_query, parse, parse_query, path_id, reply, requires
from server.kit.reference import Doc
from server.kit.schemas import Page

SIGN_UP = Doc(
    "Make an account and sign in.",
    {201: Session},
    body=Credentials,
    refuses=(service.EmailTaken, TooMany),
)
SIGN_IN = Doc(
    "Sign in. The refusal tells nobody whether there is an account.",
    {200: Session},
    body=SignIn,
    refuses=(service.InvalidCredentials, TooMany),
)
SIGN_OUT = Doc("End the token of this request everywhere.", {204: "It works no more."})
CURRENT_USER = Doc(
    "Who the token speaks for, what it may do and until when; nulls without one.", {200: CurrentUser}
)
CREATE_TOKEN = Doc(
    "Make a personal token, with a sign-in's; it is shown this once.",
    {201: CreatedToken},
    body=NewToken,
    refuses=(service.TooManyTokens,),
)
LIST_TOKENS = Doc("One's personal tokens that work, newest first.", {200: Page[TokenOut]}, query=TokenQuery)
REVOKE_TOKEN = Doc(
    "End a personal token everywhere. Again does nothing.",
    {204: "It works no more."},
    refuses=(service.TokenNotFound,),
)
JWKS = Doc("The public keys that tokens are signed with (RFC 7517).", {200: "A JSON Web Key Set."})


def routes(*, key: SigningKey, hasher: service.Hasher, lifetime: timedelta) -> Blueprint:
    """auth's endpoints; `lifetime` is a sign-in token's."""
    bp = Blueprint("auth")
    by_email = limits.Rate(limits.SIGN_INS_PER_EMAIL)
    by_address = limits.Rate(limits.SIGN_INS_PER_ADDRESS)

    @bp.post("/api/users/signup", ctx_service="auth", ctx_doc=SIGN_UP)
    async def sign_up(request: Request) -> HTTPResponse:
        body = parse(Credentials, request)
        done = await service.sign_up(
            email=body.email, password=body.password, hasher=hasher, key=key, lifetime=lifetime
        )
        return reply(Session.model_validate(done), 201)

    @bp.post("/api/users/signin", ctx_service="auth", ctx_doc=SIGN_IN)
    async def sign_in(request: Request) -> HTTPResponse:
        body = parse(SignIn, request)
        by_email.take(body.email)
        by_address.take(request.client_ip)
        done = await service.sign_in(
            email=body.email, password=body.password, hasher=hasher, key=key, lifetime=lifetime
        )
        return reply(Session.model_validate(done))

    @bp.post("/api/users/signout", ctx_service="auth", ctx_doc=SIGN_OUT)
    @requires()
    async def sign_out(request: Request, principal: Principal) -> HTTPResponse:
        await service.sign_out(principal=principal)
        return await _revoked(request)

    @bp.get("/api/users/currentuser", ctx_service="auth", ctx_doc=CURRENT_USER)
    async def current_user(request: Request) -> HTTPResponse:
        principal = await authenticate(request)
        user = await service.find_user(user_id=principal.id) if principal else None
        return reply(
            CurrentUser(
                current_user=UserOut.model_validate(user) if user else None,
                token=_in_use(principal) if principal else None,
            )
        )

    @bp.post("/api/users/tokens", ctx_service="auth", ctx_doc=CREATE_TOKEN)
    @requires(ACCOUNT)
    async def create_token(request: Request, owner: Principal) -> HTTPResponse:
        no_query(request)
        body = parse(NewToken, request)
        made, token = await service.create_token(
            user_id=owner.id,
            name=body.name,
            scopes=body.scopes,
            lifetime=timedelta(days=body.expires_in_days),
            key=key,
        )
        return reply(CreatedToken(**dict(TokenOut.model_validate(made)), token=token), 201)

    @bp.get("/api/users/tokens", ctx_service="auth", ctx_doc=LIST_TOKENS)
    @requires(ACCOUNT)
    async def list_tokens(request: Request, owner: Principal) -> HTTPResponse:
        query = parse_query(TokenQuery, request)
        found = await service.list_tokens(
            user_id=owner.id, after=decode_id_cursor(query.cursor), limit=query.limit + 1
        )
        page, more = found[: query.limit], len(found) > query.limit
        return reply(
            Page[TokenOut](
                items=[TokenOut.model_validate(token) for token in page],
                next_cursor=encode_cursor(page[-1].id) if more else None,
            )
        )

    @bp.delete("/api/users/tokens/<token_id:str>", ctx_service="auth", ctx_doc=REVOKE_TOKEN)
    @requires(ACCOUNT)
    async def revoke_token(request: Request, owner: Principal, token_id: str) -> HTTPResponse:
        no_query(request)
        await service.revoke_token(token_id=path_id(token_id, service.TokenNotFound), user_id=owner.id)
        return await _revoked(request)

    @bp.get("/.well-known/jwks.json", ctx_service="auth", ctx_doc=JWKS)
    async def jwks(request: Request) -> HTTPResponse:
        return json(key.jwks(), headers={"Cache-Control": "public, max-age=300"})

    return bp


async def _revoked(request: Request) -> HTTPResponse:
    await request.app.ctx.revocations["auth"].refresh()  # here at once, elsewhere within a second or two
    return reply(None, 204)


def _in_use(principal: Principal) -> TokenInUse:
    return TokenInUse(id=principal.jti, scopes=sorted(principal.scopes), expires_at=principal.expires_at)
