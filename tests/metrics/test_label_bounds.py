"""Labels are bounded: each value is a time series, which Prometheus keeps for weeks."""

from __future__ import annotations

from gateway.metrics.label_bounds import LONGEST, BoundedLabels


def test_the_first_values_are_labels_and_all_further_ones_are_other() -> None:
    cut = list[None]()
    labels = BoundedLabels(2, lambda: cut.append(None))
    assert [labels.of(name) for name in ("A", "B", "C", "A", "D")] == ["A", "B", "other", "A", "other"]
    assert len(cut) == 2


def test_one_client_does_not_take_the_names_of_the_others() -> None:
    labels = BoundedLabels(10, lambda: None, most_each=2)
    made_up = [labels.of(f"N{number}", "stranger") for number in range(5)]
    assert made_up == ["N0", "N1", "other", "other", "other"]
    assert [labels.of("Tray", "web"), labels.of("Tray", "stranger")] == ["Tray", "Tray"]


def test_a_long_value_is_other() -> None:
    labels = BoundedLabels(10, lambda: None)
    assert labels.of("x" * LONGEST) == "x" * LONGEST
    assert labels.of("x" * (LONGEST + 1)) == "other"
