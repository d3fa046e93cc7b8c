"""The signed requests of the platform: by the right algorithm, the right key, and lately, or not at all."""

from __future__ import annotations

import pytest

from gateway.erasure.signed_request import FRESH_SECONDS, LONGEST, SKEW_SECONDS, NotSigned, verified
from tests.erasure.signing import SECRET, USER, encoded, payload, signed
from tests.fakes.clock import EPOCH


def test_a_request_names_its_user() -> None:
    assert verified(signed(payload()), SECRET, EPOCH).user_id == USER
    assert verified(signed(payload(user_id=int(USER))), SECRET, EPOCH).user_id == USER
    assert verified(signed(payload(expires=0)), SECRET, EPOCH).user_id == USER


@pytest.mark.parametrize("age", [FRESH_SECONDS, 0.0, -SKEW_SECONDS])
def test_a_request_is_good_for_an_hour(age: float) -> None:
    assert verified(signed(payload(issued_at=EPOCH - age)), SECRET, EPOCH).user_id == USER


GOOD = signed(payload())


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        ".",
        "a.b",
        GOOD.partition(".")[2],
        "." + GOOD.partition(".")[2],
        GOOD + "x",
        GOOD[:10] + ("A" if GOOD[10] != "A" else "B") + GOOD[11:],
        "é" + GOOD,
        GOOD + "." + GOOD,
        signed(payload(), b"another secret"),
        signed(payload(algorithm="none")),
        signed(payload(algorithm="HMAC-SHA1")),
        signed(payload(issued_at=EPOCH - FRESH_SECONDS - 1)),
        signed(payload(issued_at=EPOCH + SKEW_SECONDS + 1)),
        signed(payload(expires=EPOCH - 1)),
        signed(payload(user_id="1 OR 1=1")),
        signed(payload(user_id="")),
        signed(payload(user_id="1" * 61)),
        signed({"algorithm": "HMAC-SHA256", "user_id": USER}),
        signed({"algorithm": "HMAC-SHA256", "issued_at": EPOCH}),
        signed([]),
        encoded(b"x" * LONGEST) + "." + encoded(b"{}"),
    ],
)
def test_nothing_else_is_believed(request_text: str) -> None:
    with pytest.raises(NotSigned):
        verified(request_text, SECRET, EPOCH)
