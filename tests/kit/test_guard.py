"""Requests that two servers would read differently: each is refused, and nothing behind it is answered."""

import json

import pytest

from tests.kit.raw import send
from tests.platform import Platform

H = b"Host: x\r\n"
POST = b"POST /api/tickets HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SECOND = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""The request that an attacker hides behind the first; no answer may be to it."""

REFUSED: dict[str, bytes] = {
    "length and chunks": POST + H + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\nX",
    "chunks and length": POST + H + CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\nX",
    "unknown encoding": POST + H + b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc",
    "two encodings": POST + H + b"Transfer-Encoding: chunked, identity\r\nContent-Length: 3\r\n\r\nabc",
    "identity and length": POST + H + b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
    "identity alone": POST + H + b"Transfer-Encoding: identity\r\n\r\n",
    "CHUNKED": POST + H + b"Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "space before colon": POST + H + b"Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc",
    "tab before colon": POST + H + b"Transfer-Encoding\t: chunked\r\nContent-Length: 3\r\n\r\nabc",
    "encoding twice": POST + H + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "plain chunks": POST + H + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n",
    "length twice, differing": POST + H + b"Content-Length: 3\r\nContent-Length: 6\r\n\r\nabcdef",
    "length twice, the same": POST + H + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length list": POST + H + b"Content-Length: 3, 3\r\n\r\nabc",
    "length +3": POST + H + b"Content-Length: +3\r\n\r\nabc",
    "length 1_0": POST + H + b"Content-Length: 1_0\r\n\r\n0123456789",
    "length -1": POST + H + b"Content-Length: -1\r\n\r\n",
    "length 0x3": POST + H + b"Content-Length: 0x3\r\n\r\nabc",
    "length 3.0": POST + H + b"Content-Length: 3.0\r\n\r\nabc",
    "length empty": POST + H + b"Content-Length:\r\n\r\n",
    "length of 400 digits": POST + H + b"Content-Length: " + b"0" * 400 + b"3\r\n\r\nabc",
    "length in other digits": POST + H + "Content-Length: \u0663\r\n\r\nabc".encode(),
    "chunk 0x3": POST + H + CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "chunk +3": POST + H + CHUNKED + b"\r\n+3\r\nabc\r\n0\r\n\r\n",
    "chunk -1": POST + H + CHUNKED + b"\r\n-1\r\nabc\r\n0\r\n\r\n",
    "chunk 1_0": POST + H + CHUNKED + b"\r\n1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "chunk extension with LF": POST + H + CHUNKED + b"\r\n3;a\nb\r\nabc\r\n0\r\n\r\n",
    "chunk terminator": POST + H + CHUNKED + b"\r\n3\r\nabcXX0\r\n\r\n",
    "trailer": POST + H + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX-Evil: 1\r\n\r\n",
    "HTTP/1.0 chunks": b"POST /api/tickets HTTP/1.0\r\n" + H + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/../admin?x=\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "CR in a value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n",
    "LF in a value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\nX-B: b\r\n\r\n",
    "space in a name": b"GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\nHost: x\r\nX\x00A: b\r\n\r\n",
    "absolute address": b"GET http://evil/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute address, same host": b"GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "no slash": b"GET livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "only a query": b"GET ?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /livez#a HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the path": b"GET /\0livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the method": b"G\0T /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "no method": b" /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "nothing at all": b"\r\n\r\n",
    "no version": b"GET /livez\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /livez HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nHost: x\r\n\r\n",
    "four words": b"GET /livez x HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 50 + b"\r\n\r\n",
    "non-ASCII path": "GET /livezé HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "raw bytes in a path": b"GET /livez\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "body too large": POST + H + b"Content-Length: 99999999\r\n\r\nabc",
    "large header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED.keys())
async def test_a_malformed_request_is_refused_and_nothing_behind_it_answered(
    platform: Platform, request_: bytes
) -> None:
    """One 4xx as problem+json, then the connection ends; the hidden request gets no answer."""
    answer = await send(platform.api_url, request_, SECOND)
    assert answer.is_closed
    assert len(answer.statuses) == 1, answer.text
    assert 400 <= answer.statuses[0] < 500
    head, _, body = answer.text.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    assert json.loads(body)["status"] == answer.statuses[0]
    assert b'"alive"' not in answer.text


async def test_the_second_request_would_be_answered_behind_a_good_one(platform: Platform) -> None:
    """The negative control: pipelining works, so the tests above show something."""
    good = b"GET /api/users/currentuser HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await send(platform.api_url, good, SECOND)
    assert answer.statuses == [200, 200]
    assert b'"alive"' in answer.text


async def test_a_body_is_not_taken_for_a_request(platform: Platform) -> None:
    """A GET may have a body; what it holds is no request."""
    hidden = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    first = b"GET /api/users/currentuser HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    answer = await send(platform.api_url, first + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
    assert answer.statuses == [200]
    assert b'"alive"' not in answer.text


@pytest.mark.parametrize("host", [b"x", b"x:1", b"127.0.0.1:8080", b"[::1]:8080", b"a-b.example.com"])
async def test_a_plain_host_is_accepted(platform: Platform, host: bytes) -> None:
    """The guard does not refuse what is good."""
    request = b"GET /livez HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
    assert (await send(platform.api_url, request)).statuses == [200]


async def test_the_forwarded_address_is_not_believed(platform: Platform) -> None:
    """Otherwise anyone has as many addresses as they like, and no rate limit."""
    body = b'{"email":"a@b.de","password":"%b"}' % (b"x" * 8)
    statuses = []
    for n in range(40):
        head = b"POST /api/users/signin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        fake = b"X-Forwarded-For: 10.0.0.%d\r\nX-Real-IP: 10.0.0.%d\r\nForwarded: for=10.0.0.%d\r\n" % (
            n,
            n,
            n,
        )
        other = body.replace(b"a@", b"a%d@" % n)
        answer = await send(
            platform.api_url, head + fake + b"Content-Length: %d\r\n\r\n" % len(other) + other
        )
        statuses += answer.statuses
    assert statuses == [401] * 30 + [429] * 10


@pytest.mark.parametrize("target", [b"/livez", b"/nowhere", b"/api/tickets", b"/a b"])
async def test_no_answer_has_an_empty_header(platform: Platform, target: bytes) -> None:
    """Sanic adds `alt-svc: ` by itself."""
    answer = await send(platform.api_url, b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
    head, _, _ = answer.text.partition(b"\r\n\r\n")
    assert [line for line in head.split(b"\r\n") if line.rstrip().endswith(b":")] == []
