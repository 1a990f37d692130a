"""HTTP/1.1 in any pieces the network may cut it into."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.data import connections

REQUEST = b"POST / HTTP/1.1\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nX-Amz-Crc32: 7\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)


@settings(max_examples=40, deadline=None)
@given(answer=st.sampled_from([WHOLE, CHUNKED]), cuts=st.sets(st.integers(1, len(CHUNKED) - 1), max_size=6))
def test_an_answer_may_come_in_any_pieces(answer: bytes, cuts: set[int]) -> None:
    class Pieces:
        def __init__(self) -> None:
            ends = [*sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
            self.left = [answer[start:end] for start, end in zip([0, *ends], ends, strict=False)]

        def recv(self, size: int) -> bytes:
            piece = self.left.pop(0)
            if len(piece) > size:
                piece, rest = piece[:size], piece[size:]
                self.left.insert(0, rest)
            return piece

        def nothing(self, *arguments: object) -> None:
            """What else is asked of a socket."""

        sendall = setsockopt = settimeout = close = nothing

    reply, may_be_kept = connections._Connection(Pieces()).exchange(REQUEST, 1.0)  # type: ignore[arg-type]
    assert reply[::2] == (200, b"hello")
    assert may_be_kept


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=200), keep=st.integers(0, len(WHOLE)))
def test_noise_is_refused_and_never_waited_for(noise: bytes, keep: int) -> None:
    """What begins as an answer and goes on as anything at all ends in an answer or in one of two exceptions."""

    class Noise:
        def __init__(self) -> None:
            self.left = [WHOLE[:keep] + noise, b""]

        def recv(self, size: int) -> bytes:
            return self.left.pop(0) if self.left else b""

        def nothing(self, *arguments: object) -> None:
            """What else is asked of a socket."""

        sendall = setsockopt = settimeout = close = nothing

    try:
        reply, _ = connections._Connection(Noise()).exchange(REQUEST, 1.0)  # type: ignore[arg-type]
    except connections.Malformed:
        return
    assert 200 <= reply.status <= 999
