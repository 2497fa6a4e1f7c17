"""Raw bytes over a real socket: whatever comes, the answer is a problem of the client's, or none.

No 5xx, no trace, no hang; and the next client is served as if nothing had been.
"""

import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_refresh.scorer.http.protocol import HEAD_BYTES
from model_refresh.scorer.http.settings import Settings
from model_refresh_tests.scorer.client import Reply
from model_refresh_tests.scorer.factories import ROW, chance, make_formula
from model_refresh_tests.scorer.process import (
    Process,
    read_all,
    replies,
    request,
    running,
    write_folder,
)

GOOD = json.dumps(ROW).encode()
HEADER = b"X-More: " + b"a" * 990 + b"\r\n"
SCORE = chance(make_formula(), ROW)
PATIENCE = 1.0
SETTINGS = Settings(read_seconds=PATIENCE, body_kib=64)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A running scorer that waits for a second, and takes 64 KiB."""
    folder = write_folder(tmp_path_factory.mktemp("scorer") / "folder", settings=SETTINGS)
    with running(folder) as process:
        yield process
        assert "Traceback" not in process.log
        assert process.process.poll() is None


def _without(body: bytes, name: bytes) -> bytes:
    return body.replace(b'"%b"' % name, b'"%bx"' % name)


BODIES = {
    "an empty body": b"",
    "spaces": b" \r\n\t ",
    "a nul": b"\0",
    "half of it": GOOD[: len(GOOD) // 2],
    "something behind it": GOOD + b"x",
    "two of it": GOOD + GOOD,
    "a list": b"[" + GOOD + b"]",
    "a text": b'"' + b"x" * 100 + b'"',
    "NaN": GOOD.replace(b"12.5", b"NaN"),
    "infinity": GOOD.replace(b"12.5", b"-Infinity"),
    "beyond a double": GOOD.replace(b"12.5", b"1e999"),
    "a huge whole number": GOOD.replace(b"3", b"9" * 20_000, 1),
    "a huge exponent": GOOD.replace(b"12.5", b"1e" + b"9" * 20_000),
    "a tiny exponent of a whole number": GOOD.replace(b": 3,", b": 1e-999999999,"),
    "true for a number": GOOD.replace(b"12.5", b"true"),
    "a text for a number": GOOD.replace(b"12.5", b'"12.5"'),
    "a field is missing": _without(GOOD, b"spend"),
    "a field more": GOOD[:-1] + b', "__proto__": null}',
    "a field twice": GOOD[:-1] + b', "spend": 12.5}',
    "half of a surrogate pair": GOOD.replace(b"basic", b"\\ud800"),
    "half of a pair as a key": GOOD[:-1] + b', "\\udfff": 1}',
    "no UTF-8": GOOD.replace(b"basic", b"\xc3\x28"),
    "too long UTF-8": GOOD.replace(b"basic", b"\xc0\x80"),
    "UTF-16": json.dumps(ROW).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"plan":' * 7_000 + b"1" + b"}" * 7_000,
    "deep in a field": GOOD.replace(b"12.5", b"[" * 5_000 + b"]" * 5_000),
    "many unknown fields": b"{" + b",".join(b'"%d":0' % n for n in range(6_000)) + b"}",
    "a long unknown field": b'{"' + b"s" * 60_000 + b'":0}',
    "a pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
    "a query": b"'; DROP TABLE rows; --",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>',
}


@pytest.mark.parametrize("path", ["/score", "/score-batch"])
@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_a_problem_of_the_client(scorer: Process, name: str, path: str) -> None:
    (reply,) = replies(scorer.talk(request(BODIES[name], "Connection: close", path=path)))
    _assert_problem(reply, {400, 422})
    _assert_serves(scorer)


def test_bodies_that_were_damaged_at_random_are_answered_or_refused(scorer: Process) -> None:
    chosen = random.Random(7)
    with scorer.connect() as connection:
        for _ in range(500):
            body = bytearray(GOOD)
            for _ in range(chosen.randint(1, 4)):
                place = chosen.randrange(len(body))
                if chosen.random() < 0.5:
                    body[place] = chosen.randrange(256)
                else:
                    del body[place : place + chosen.randint(1, 5)]
            connection.sendall(request(bytes(body)))
            reply = _one(connection)
            assert reply.status == 200 or _is_problem(reply, {400, 422}), bytes(body)


HEADS = {
    "nothing of HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nuls": b"\0" * 100 + b"\r\n\r\n",
    "an unknown method": request(GOOD, method="SCORE"),
    "no version": b"GET /health\r\n\r\n",
    "a newer version": b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
    "a length that is no number": request(GOOD, "Content-Length: ten"),
    "a negative length": request(GOOD, "Content-Length: -1"),
    "two lengths": request(GOOD, "Content-Length: 5", "Content-Length: 6"),
    "a length and chunks": request(GOOD, "Content-Length: 5", "Transfer-Encoding: chunked"),
    "a chunk of no length": request(b"zz\r\n", "Transfer-Encoding: chunked"),
    "an endless length of a chunk": request(b"f" * 40 + b"\r\n", "Transfer-Encoding: chunked"),
    "an unknown encoding": request(GOOD, "Transfer-Encoding: gzip, magic"),
    "a header without a colon": request(GOOD, "Hello"),
    "a header of nul": request(GOOD, "X: \0"),
    "a folded header": request(GOOD, "X: a\r\n b"),
    "a path that is no ASCII": "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "a path that is no path": b"GET health HTTP/1.1\r\nHost: x\r\n\r\n",
    "all of the server": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a proxy's method": b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "another host": b"GET http://example.org/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a way out": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "an escaped way out": b"GET /%2e%2e%2f%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long path": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": request(b"", "X: " + "a" * 100_000, method="GET", path="/x"),
    "many headers": request(b"", *[f"X{n}: 1" for n in range(5_000)], method="GET", path="/x"),
    "a web socket": request(
        b"", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", method="GET"
    ),
    "another upgrade": request(GOOD, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
    "an unknown expectation": request(b"x", "Expect: 200-ok"),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_hostile_head_ends_in_a_problem_or_in_silence(scorer: Process, name: str) -> None:
    for reply in replies(scorer.talk(HEADS[name])):
        assert reply.status == 200 or _is_problem(reply, {*range(400, 500)})
    _assert_serves(scorer)


def test_bytes_at_random_are_no_http(scorer: Process) -> None:
    chosen = random.Random(7)
    for _ in range(30):
        data = scorer.talk(chosen.randbytes(chosen.randint(1, 300)) + b"\r\n\r\n")
        assert all(_is_problem(reply, {400}) for reply in replies(data))
    _assert_serves(scorer)


@pytest.mark.parametrize("framing", ["announced", "in chunks"])
def test_a_body_of_50_mb_is_refused_with_an_answer_that_arrives(
    scorer: Process, framing: str
) -> None:
    size, part = 50_000_000, b" " * 100_000
    header = f"Content-Length: {size}" if framing == "announced" else "Transfer-Encoding: chunked"
    chunk = part if framing == "announced" else b"%x\r\n%b\r\n" % (len(part), part)
    with scorer.connect() as connection:
        connection.sendall(request(b"", header))
        for _ in range(size // len(part)):
            connection.sendall(chunk)
        (reply,) = replies(read_all(connection))
    _assert_problem(reply, {413})
    assert "larger than 64 KiB" in reply.json["detail"]
    _assert_serves(scorer)
    assert _resident_mib(scorer) < 400


def test_a_large_body_is_refused_before_it_comes(scorer: Process) -> None:
    head = request(b"", "Content-Length: 50000000", "Expect: 100-continue")
    with scorer.connect() as connection:
        connection.sendall(head)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_an_expected_body_is_asked_for(scorer: Process) -> None:
    with scorer.connect() as connection:
        connection.sendall(request(b"", f"Content-Length: {len(GOOD)}", "Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(GOOD)
        assert _one(connection).json["score"] == SCORE


@pytest.mark.parametrize(
    "begun",
    [
        request(GOOD)[:-1],
        request(GOOD)[: -len(GOOD)],
        request(GOOD)[:30],
        b"P",
        request(b"5\r\nhello\r\n", "Transfer-Encoding: chunked"),
    ],
    ids=["all but a byte", "no body", "half a head", "one byte", "one chunk"],
)
def test_a_request_that_does_not_arrive_in_time_is_told_so(scorer: Process, begun: bytes) -> None:
    started = time.monotonic()
    with scorer.connect() as connection:
        connection.sendall(begun)
        (reply,) = replies(read_all(connection))
    _assert_problem(reply, {408})
    assert PATIENCE * 0.9 < time.monotonic() - started < PATIENCE * 10


def test_a_request_that_drips_is_told_so_however_steadily_it_drips(scorer: Process) -> None:
    with scorer.connect() as connection:
        try:
            for byte in request(GOOD):
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass  # it was closed, as it should be
        data = read_all(connection)
    assert [reply.status for reply in replies(data)] == [408]


@pytest.mark.parametrize(("beyond", "status"), [(0, 408), (1, 431)])
def test_a_head_that_is_a_byte_too_large_is_told_so(
    scorer: Process, beyond: int, status: int
) -> None:
    head = b"GET /health HTTP/1.1\r\n" + HEADER * (HEAD_BYTES // len(HEADER) + 1)
    (reply,) = replies(scorer.talk(head[: HEAD_BYTES + beyond]))
    _assert_problem(reply, {status})


def test_a_head_without_end_is_cut_off(scorer: Process) -> None:
    with scorer.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            for _ in range(100_000):
                connection.sendall(HEADER)
    _assert_serves(scorer)


def test_a_silent_connection_is_closed(scorer: Process) -> None:
    with scorer.connect() as connection:
        assert connection.recv(1) == b""


def test_others_are_served_while_clients_are_slow(scorer: Process) -> None:
    slow = [scorer.connect() for _ in range(50)]
    for connection in slow:
        connection.sendall(request(GOOD)[:-1])
    started = time.monotonic()
    for _ in range(20):
        _assert_serves(scorer)
    assert time.monotonic() - started < 5.0
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_client_that_leaves_early_harms_nobody(scorer: Process, cut: int) -> None:
    for _ in range(20):
        with scorer.connect() as connection:
            connection.sendall(request(GOOD)[:cut])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    _assert_serves(scorer)


def test_pipelined_requests_are_answered_in_their_order(scorer: Process) -> None:
    rows = [ROW | {"visits": visits} for visits in range(40)]
    wrong = request(b"{}")
    data = b"".join(request(json.dumps(row).encode()) + wrong for row in rows)
    found = replies(scorer.talk(data))
    assert [reply.status for reply in found] == [200, 422] * 40
    formula = make_formula()
    assert [reply.json["score"] for reply in found[::2]] == [chance(formula, row) for row in rows]


def test_what_was_asked_before_nonsense_is_still_answered(scorer: Process) -> None:
    found = replies(scorer.talk(request(GOOD) + b"nonsense\r\n\r\n"))
    assert found[0].json["score"] == SCORE
    assert all(_is_problem(reply, {400}) for reply in found[1:])


def test_a_body_in_chunks_is_scored(scorer: Process) -> None:
    chunks = [GOOD[place : place + 7] for place in range(0, len(GOOD), 7)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    (reply,) = replies(scorer.talk(request(body, "Transfer-Encoding: chunked")))
    assert reply.json["score"] == SCORE


def test_a_head_has_the_headers_of_its_page_and_no_body(scorer: Process) -> None:
    data = scorer.talk(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert data.endswith(b"\r\n\r\n")


def test_no_value_of_a_row_is_in_the_log(scorer: Process) -> None:
    secret = "s3cr3t"
    scorer.talk(request(json.dumps(ROW | {"plan": secret, "visits": secret}).encode()))
    scorer.talk(request(json.dumps(ROW | {"plan": secret}).encode(), path=f"/score?{secret}"))
    assert secret not in scorer.log


def test_requests_that_have_begun_are_answered_before_the_end(scorer: Process) -> None:
    folder = scorer.log_file.with_suffix("")
    with running(write_folder(folder.with_name("ending"))) as ending:
        connections = [ending.connect() for _ in range(8)]
        for connection in connections:
            connection.sendall(request(GOOD)[:-1])
        time.sleep(0.2)
        ended: list[int] = []
        waiting = threading.Thread(target=lambda: ended.append(ending.end()))
        waiting.start()
        time.sleep(0.3)
        for connection in connections:
            connection.sendall(GOOD[-1:])
        assert [_one(connection).json["score"] for connection in connections] == [SCORE] * 8
        waiting.join()
        for connection in connections:
            connection.close()
    assert ended == [0]


def _assert_serves(scorer: Process) -> None:
    (reply,) = replies(scorer.talk(request(GOOD, "Connection: close")))
    assert reply.json["score"] == SCORE


def _assert_problem(reply: Reply, statuses: set[int]) -> None:
    assert _is_problem(reply, statuses), reply


def _is_problem(reply: Reply, statuses: set[int]) -> bool:
    is_told = reply.headers["content-type"] == "application/problem+json"
    return reply.status in statuses and is_told and reply.json["status"] == reply.status


def _one(connection: socket.socket) -> Reply:
    """The next answer of a connection that stays open."""
    data = b""
    while not _is_whole(data):
        part = connection.recv(65_536)
        assert part, f"an answer was cut: {data!r}"
        data += part
    (reply,) = replies(data)
    return reply


def _is_whole(data: bytes) -> bool:
    head, ends, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(ends) and length is not None and len(body) >= int(length[1])


def _resident_mib(scorer: Process) -> float:
    pages = Path(f"/proc/{scorer.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096 / (1 << 20)
