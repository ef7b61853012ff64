"""P14: tokens that must not be accepted, at every endpoint that takes one."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from server.kit.auth import SCOPES, SigningKey
from tests.platform import Platform
from tests.problems import assert_problem

Make = Callable[[SigningKey], str]
NEED_A_TOKEN = [
    ("POST", "/api/users/signout"),
    ("POST", "/api/users/tokens"),
    ("GET", "/api/users/tokens"),
    ("DELETE", "/api/users/tokens/0190f5b2-0000-7000-8000-000000000000"),
    ("POST", "/api/tickets"),
    ("PUT", "/api/tickets/0190f5b2-0000-7000-8000-000000000000"),
    ("DELETE", "/api/tickets/0190f5b2-0000-7000-8000-000000000000"),
    ("POST", "/api/orders"),
    ("GET", "/api/orders"),
    ("GET", "/api/orders/0190f5b2-0000-7000-8000-000000000000"),
    ("DELETE", "/api/orders/0190f5b2-0000-7000-8000-000000000000"),
    ("POST", "/api/orders/0190f5b2-0000-7000-8000-000000000000/extend"),
    ("POST", "/api/payments"),
    ("GET", "/api/payments"),
    ("GET", "/api/payments/0190f5b2-0000-7000-8000-000000000000"),
]


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says, with changes; a value of `...` leaves the claim out."""
    now = int(time.time())
    good = {
        "sub": str(uuid4()),
        "email": "someone@example.com",
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + 3600,
        "iss": "tix",
        "aud": "tix",
        "scope": " ".join(SCOPES),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def signed(key: SigningKey, said: Any = None, **header: Any) -> str:
    """Signed with auth's real key."""
    return jwt.encode(said or claims(), key._private, "EdDSA", headers={"kid": key.kid, **header})


def part(value: Any) -> str:
    """One part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_secret(key: SigningKey, form: str, algorithm: str = "HS256") -> str:
    """The public key taken for an HMAC secret, in each form in which it is published."""
    public = key._public
    forms = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "x": key._x.encode(),
        "empty": b"",
    }
    import hashlib  # noqa: PLC0415 - PyJWT itself refuses to sign like this
    import hmac  # noqa: PLC0415

    head = f"{part({'alg': algorithm, 'kid': key.kid, 'typ': 'JWT'})}.{part(claims())}"
    digest = hashlib.sha256 if algorithm == "HS256" else hashlib.sha512
    return f"{head}.{part(hmac.new(forms[form], head.encode(), digest).digest())}"


def with_other_key(key: SigningKey, **header: Any) -> str:
    """Signed by somebody else, under our key's name."""
    return jwt.encode(claims(), Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": key.kid, **header})


def unsigned(key: SigningKey, alg: str = "none", signature: str = "") -> str:
    """Not signed at all."""
    return f"{part({'alg': alg, 'kid': key.kid, 'typ': 'JWT'})}.{part(claims())}.{signature}"


def tampered(key: SigningKey) -> str:
    """Another's id under a good signature."""
    head, _, signature = signed(key).split(".")
    return f"{head}.{part(claims(sub=str(uuid4())))}.{signature}"


def own_jwk(key: SigningKey) -> str:
    """Brings its own key along in the header."""
    mine = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(mine.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x.rstrip(b"=").decode(), "kid": key.kid}
    return jwt.encode(claims(), mine, "EdDSA", headers={"kid": key.kid, "jwk": jwk})


def really_signed(key: SigningKey, payload: bytes) -> str:
    """A good signature over something that is no set of claims."""
    head = f"{part({'alg': 'EdDSA', 'kid': key.kid})}.{part(payload)}"
    return f"{head}.{part(key._private.sign(head.encode()))}"


def old_secret(key: SigningKey) -> str:
    """Signed under another JWT_SECRET, with that key's id."""
    other = SigningKey("another secret of 32 characters!!")
    return signed(other)


NOW = int(time.time())
FORGED: dict[str, Make] = {
    "quotes": lambda _: '""',
    "word": lambda _: "token",
    "two parts": lambda key: signed(key).rsplit(".", 1)[0],
    "four parts": lambda key: signed(key) + ".x",
    "no signature": lambda key: signed(key).rsplit(".", 1)[0] + ".",
    "not base64": lambda _: "%%%.%%%.%%%",
    "NUL": lambda key: signed(key).replace(".", "\\0.", 1),
    "tampered": tampered,
    "another's signature": with_other_key,
    "alg none": unsigned,
    "alg None": lambda key: unsigned(key, "None"),
    "alg NONE with a signature": lambda key: unsigned(key, "NONE", "x"),
    "alg empty": lambda key: unsigned(key, ""),
    "alg ES256": lambda key: unsigned(key, "ES256", part(b"x" * 64)),
    "HS256 with the public key (PEM)": lambda key: with_secret(key, "pem"),
    "HS256 with the public key (raw)": lambda key: with_secret(key, "raw"),
    "HS256 with the public key (x)": lambda key: with_secret(key, "x"),
    "HS512 with the public key": lambda key: with_secret(key, "pem", "HS512"),
    "HS256 with nothing": lambda key: with_secret(key, "empty"),
    "unknown kid": lambda key: signed(key, kid="0" * 16),
    "kid a path": lambda key: with_other_key(key, kid="../../../../dev/null"),
    "kid SQL": lambda key: with_other_key(key, kid="' UNION SELECT '"),
    "kid a number": lambda _: f"{part({'alg': 'EdDSA', 'kid': 1})}.{part(claims())}.{part(b'x' * 64)}",
    "no kid": lambda _: f"{part({'alg': 'EdDSA'})}.{part(claims())}.{part(b'x' * 64)}",
    "jwk": own_jwk,
    "jku": lambda key: with_other_key(key, jku="http://127.0.0.1:9/jwks.json"),
    "x5u": lambda key: with_other_key(key, x5u="http://127.0.0.1:9/cert.pem"),
    "crit": lambda key: signed(key, crit=["tix"], tix=1),
    "another secret": old_secret,
    **{
        f"no {name}": lambda key, name=name: signed(key, claims(**{name: ...}))  # type: ignore[misc]
        for name in ("sub", "email", "jti", "iat", "exp", "iss", "aud", "scope")
    },
    "sub not a UUID": lambda key: signed(key, claims(sub="1")),
    "sub empty": lambda key: signed(key, claims(sub="")),
    "sub SQL": lambda key: signed(key, claims(sub="' OR 1=1 --")),
    "jti not a UUID": lambda key: signed(key, claims(jti="1")),
    "another issuer": lambda key: signed(key, claims(iss="evil")),
    "issuer Tix": lambda key: signed(key, claims(iss="Tix")),
    "another audience": lambda key: signed(key, claims(aud="tix-admin")),
    "audience empty": lambda key: signed(key, claims(aud=[])),
    "expired": lambda key: signed(key, claims(exp=NOW - 60)),
    "expired just beyond the leeway": lambda key: signed(key, claims(exp=int(time.time()) - 11)),
    "expires at 0": lambda key: signed(key, claims(exp=0)),
    "expires before Christ": lambda key: signed(key, claims(exp=-(10**15))),
    "expires beyond the calendar": lambda key: signed(key, claims(exp=10**30)),
    "expires soon": lambda key: signed(key, claims(exp="soon")),
    "expires never": lambda key: signed(key, claims(exp=None)),
    "not yet": lambda key: signed(key, claims(nbf=NOW + 600)),
    "issued tomorrow": lambda key: signed(key, claims(iat=NOW + 86400)),
    "5 kB": lambda key: signed(key, claims(padding="x" * 4000)),
    "claims a list": lambda key: really_signed(key, b"[1]"),
    "claims a number": lambda key: really_signed(key, b"1"),
    "claims not JSON": lambda key: really_signed(key, b"sub=1"),
    "claims not UTF-8": lambda key: really_signed(key, b'"\xff"'),
    "claims with NUL": lambda key: signed(key, claims(sub="\0")),
    "sub a number": lambda key: signed(key, claims(sub=1)),
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
async def test_p14_a_bad_token_is_401(platform: Platform, make: Make) -> None:
    """At a read and a write of each service, and where a token is optional; always the same code."""
    headers = {"Authorization": f"Bearer {make(platform.key)}"}
    for method, path in [*NEED_A_TOKEN[::2], ("GET", "/api/users/currentuser")]:
        answer = await platform.http.request(method, path, headers=headers)
        assert_problem(answer, 401, "unauthenticated")


async def test_a_good_token_made_the_same_way_is_accepted(platform: Platform) -> None:
    """The negative control of the test above."""
    headers = {"Authorization": f"Bearer {signed(platform.key)}"}
    assert (await platform.http.get("/api/orders", headers=headers)).status_code == 200
    early = {"Authorization": f"Bearer {signed(platform.key, claims(iat=int(time.time()) + 3))}"}
    assert (await platform.http.get("/api/orders", headers=early)).status_code == 200


@pytest.mark.parametrize(("method", "path"), NEED_A_TOKEN)
@pytest.mark.parametrize(
    "scheme", [None, "", "Bearer", "Basic {}", "Token {}", "{}", "Bearer {} x", "Bearer,{}", "bearer: {}"]
)
async def test_p14_no_token_or_another_scheme_is_401(
    platform: Platform, method: str, path: str, scheme: str | None
) -> None:
    """One scheme, one header."""
    token = platform.user().headers["Authorization"].removeprefix("Bearer ")
    headers = {} if scheme is None else {"Authorization": scheme.format(token)}
    assert_problem(await platform.http.request(method, path, headers=headers), 401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_scheme_has_no_case(platform: Platform, scheme: str) -> None:
    """RFC 9110 §11.1."""
    token = platform.user().headers["Authorization"].removeprefix("Bearer ")
    answer = await platform.http.get("/api/orders", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 200


async def test_p14_two_authorization_headers_are_401(platform: Platform) -> None:
    """Two servers would believe two different ones."""
    one, two = platform.user(), platform.user()
    both = [("Authorization", user.headers["Authorization"]) for user in (one, two)]
    assert_problem(await platform.http.get("/api/orders", headers=both), 401, "unauthenticated")


@pytest.mark.parametrize("name", ["token", "tix", "__Host-tix", "session", "jwt", "Authorization"])
async def test_p14_a_cookie_is_no_token(platform: Platform, name: str) -> None:
    """So another site's form cannot use it; nor is one in the query."""
    token = platform.user().headers["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"{name}={token}; {name}=Bearer {token}"}
    assert_problem(await platform.http.get("/api/orders", headers=cookie), 401, "unauthenticated")
    asked = await platform.http.get("/api/users/currentuser", headers=cookie)
    assert asked.json() == {"currentUser": None, "token": None}
    in_query = await platform.http.get(f"/api/orders?access_token={token}")
    assert_problem(in_query, 401, "unauthenticated")


async def test_p14_the_published_key_is_public(platform: Platform) -> None:
    """No private half in the key set, and nothing but Ed25519."""
    [key] = (await platform.http.get("/.well-known/jwks.json")).json()["keys"]
    private = platform.key._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    assert key.keys() == {"kty", "crv", "alg", "use", "kid", "x"}
    assert (key["alg"], key["crv"]) == ("EdDSA", "Ed25519")
    assert base64.urlsafe_b64decode(key["x"] + "==") != private


async def test_a_token_ends_when_it_says(platform: Platform) -> None:
    """Within the leeway for clocks it is still good, which is why it is seconds."""
    user = platform.user(lifetime=timedelta(seconds=-5))
    assert (await user.get("/api/orders")).status_code == 200
    late = platform.user(lifetime=timedelta(seconds=-11))
    problem = assert_problem(await late.get("/api/orders"), 401, "unauthenticated")
    assert "expired" in problem["detail"]
