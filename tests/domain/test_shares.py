"""What there is for all is bounded by holder and in all, and forgotten with who held it."""

from __future__ import annotations

from gateway.domain.shares import Count, Share


def test_each_holder_has_a_ceiling_and_so_have_all() -> None:
    count = Count(2, 3)
    shares = [Share(count, holder) for holder in ("a", "a", "a", "b")]
    assert [share.hold(1) for share in shares] == [True, True, False, False]
    assert count.total == 4
    shares[0].hold(0)
    shares[1].hold(0)
    assert [Share(count, "b").hold(1) for _ in range(2)] == [True, False]


def test_who_holds_nothing_is_forgotten() -> None:
    count = Count(10, 10)
    share = Share(count, "a")
    for amount in (0, 5, 5, 3, 10, 0, 0):
        assert share.hold(amount)
        assert count.total == amount
    assert not count._each
