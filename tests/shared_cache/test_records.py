"""Outcomes of calls as bytes, and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import Subject, UserId, Username
from gateway.errors import GatewayError, NotFound, PrivateAccount, Renamed, UpstreamTimeout
from gateway.reads.batches import batch, joined, parts_of, single_calls
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.reads.port import ReadOutcome
from gateway.shared_cache.call_names import CallNames
from gateway.shared_cache.invalidations import SubjectsChanged, decoded, encoded
from gateway.shared_cache.records import RecordCodec, SharedRecord, outcome_of, record_of
from gateway.upstream.hikerapi.endpoints import ENDPOINTS

KEYS = (None, b"k" * 32)
CALL = Call(ENDPOINTS.answering(FactKind.PROFILE, Username), "natgeo")
PROFILE = json.dumps({"pk": "787132", "username": "natgeo", "full_name": "National Geographic"}).encode()


def outcome(problem: GatewayError | None, body: bytes = b"") -> ReadOutcome:
    value = CALL.read(body) if body else None
    return ReadOutcome(CALL, value, body, problem, charged=1, in_doubt=False, seconds=0.1, attempts=1)


def again(given: ReadOutcome, key: bytes | None = None) -> ReadOutcome:
    """As another instance reads it."""
    record = record_of(given, 5.0)
    assert record is not None
    found = RecordCodec(key).decode(RecordCodec(key).encode(record))
    assert found == record
    known = outcome_of(CALL, found)
    assert known is not None
    return known


@pytest.mark.parametrize("key", KEYS)
def test_an_answer_is_read_as_it_was_and_costs_nothing(key: bytes | None) -> None:
    known = again(outcome(None, PROFILE), key)
    assert known.value == outcome(None, PROFILE).value
    assert known.body == PROFILE
    assert (known.charged, known.is_shared) == (0, True)


@pytest.mark.parametrize(
    ("problem", "body"),
    [
        (NotFound("User 'natgeo' was not found.", charged=1), b""),
        (PrivateAccount("User 'natgeo' is private."), b""),
        (Renamed("User 'natgeo' is now called 'geo'.", id="787132", username="geo"), PROFILE),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_absence_is_read_as_it_was_without_its_charge(problem: GatewayError, body: bytes) -> None:
    problem.subject = CALL.subject
    known = again(outcome(problem, body))
    assert type(known.problem) is type(problem)
    assert known.problem is not None
    assert (known.problem.message, known.problem.subject) == (problem.message, CALL.subject)
    assert known.problem.extensions == {name: of for name, of in problem.extensions.items() if name != "charged"}


def test_a_failure_is_nobody_elses() -> None:
    assert record_of(outcome(UpstreamTimeout("Too late.")), 5.0) is None


@given(st.binary())
@pytest.mark.parametrize("key", KEYS)
def test_bytes_that_are_no_record_are_none(key: bytes | None, value: bytes) -> None:
    codec = RecordCodec(key)
    assert codec.decode(value) is None
    valid = codec.encode(SharedRecord(5.0, PROFILE))
    assert codec.decode(valid[:-1]) is None
    assert codec.decode(b"?" + valid) is None


def test_a_record_of_another_form_is_none() -> None:
    assert outcome_of(CALL, SharedRecord(5.0, b"[")) is None
    assert outcome_of(CALL, SharedRecord(5.0, b"")) is None


def test_what_is_sealed_tells_nothing_and_opens_with_its_key_alone() -> None:
    sealed = RecordCodec(KEYS[1]).encode(SharedRecord(5.0, PROFILE))
    assert b"natgeo" not in sealed
    assert RecordCodec(b"other" + b"-" * 27).decode(sealed) is None
    assert RecordCodec().decode(sealed) is None
    assert RecordCodec(KEYS[1]).open("another use", sealed) is None


def test_a_large_record_is_compressed_and_one_that_would_not_get_smaller_is_not() -> None:
    codec = RecordCodec()
    assert len(codec.encode(SharedRecord(5.0, PROFILE * 1_000))) < len(PROFILE * 1_000) / 10
    assert codec.decode(codec.encode(SharedRecord(5.0, PROFILE * 1_000))) == SharedRecord(5.0, PROFILE * 1_000)
    assert codec.encode(SharedRecord(5.0, PROFILE))[1:].endswith(PROFILE + b"\xa7problem\xc0")


def test_a_name_says_nothing_of_the_call_and_is_another_for_each_call_account_and_key() -> None:
    calls = [CALL, Call(CALL.endpoint, "nasa"), Call(ENDPOINTS.answering(FactKind.PROFILE, UserId), "787132")]
    scopes = [("https://a.test", "k1"), ("https://a.test", "k2"), ("https://b.test", "k1")]
    found = {CallNames(*scope, key=key).of(call) for scope in scopes for key in KEYS for call in calls}
    assert len(found) == len(calls) * len(scopes) * len(KEYS)
    assert not [name for name in found if "natgeo" in name or "787132" in name or "k1" in name]


def test_subjects_reach_another_instance_and_unknown_ones_are_left_out() -> None:
    subjects: list[tuple[FactKind, Subject]] = [(FactKind.TRAY, UserId("787132")), (FactKind.TRAY, Username("natgeo"))]
    message = decoded(encoded(SubjectsChanged.of(subjects)))
    assert isinstance(message, SubjectsChanged)
    assert message.decoded() == subjects
    assert SubjectsChanged((("OF_TOMORROW", "UserId", "1"), ("TRAY", "Planet", "1"))).decoded() == []
    assert decoded(b'{"type": "of tomorrow"}') is None


def test_a_call_about_several_objects_is_joined_of_its_parts() -> None:
    row = next(row for row in ENDPOINTS if row.batch_size > 1)
    call = batch(row, ["11", "12", "13"])
    body = json.dumps({"entries": [{"pk": "11", "count": 3}, {"pk": "13", "count": 5}]}).encode()
    whole = ReadOutcome(call, call.read(body), body, None, charged=1, in_doubt=False, seconds=0.1, attempts=1)
    parts = parts_of(whole)
    shared = [record_of(part, 5.0) for part in parts]
    known = [outcome_of(one, record) for one, record in zip(single_calls(call), shared, strict=True) if record]
    again = parts_of(joined(call, [part for part in known if part is not None]))
    assert [(part.call, part.value, type(part.problem)) for part in again] == [
        (part.call, part.value, type(part.problem)) for part in parts
    ]
    assert [type(part.problem) for part in again] == [type(None), NotFound, type(None)]
