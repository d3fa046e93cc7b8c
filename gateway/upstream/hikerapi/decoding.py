"""Decoding of HikerAPI's JSON into domain models: the base of all response shapes.

The fast path decodes and validates in one pass. A response that does not match is decoded again (`lenient`): valid
parts are kept, invalid ones are left out and recorded in the model. A paid response is not discarded for a detail, and
no value is invented.

A response of nothing but small parts would take a hundred times its size in memory, and one whose every part mismatches
would block the event loop for minutes: the number of each is bounded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from gateway.domain.partial import Shortened, left_out
from gateway.domain.users import UserSummary
from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call, OnSchemaMismatch
from gateway.reads.facts import Value
from gateway.upstream.client.decoding import LARGEST_ODD, lenient, strict
from gateway.upstream.client.lenient_decoding import UndecodableResponse

V = TypeVar("V", bound=Value)
E = TypeVar("E")


class ResponseShape(ABC, Generic[V]):
    """The shape of an endpoint's responses: their model, and the rules that a response must meet beyond its types."""

    def __init__(self, model: Any) -> None:
        self.json: msgspec.json.Decoder[V] = msgspec.json.Decoder(model)

    def read(self, call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> V:
        """Decode `body`, the response to `call`. Raises UpstreamInvalidAnswer.

        `on_drift` is called with the paths of the parts that do not match, such as `items[3].video_duration`.
        """
        try:
            value = strict(self.json, body)
            if value is None or not self.is_complete(call, value):
                value = self._decode_leniently(call, body, on_drift, fits=value is not None)
            elif not self.has_well_formed_ids(value) and len(body) <= LARGEST_ODD:  # else it would be lost for one id
                value = self._decode_leniently(call, body, on_drift, fits=True)
        except UndecodableResponse as exc:
            noun = call.endpoint.noun
            raise UpstreamInvalidAnswer(f"The upstream's answer for this {noun} could not be read.") from exc
        return value

    @abstractmethod
    def is_about(self, call: Call, value: V) -> bool:
        """Return whether `value` is about the object of `call`: other data must not be served under its key."""

    @abstractmethod
    def is_complete(self, call: Call, value: V) -> bool:
        """Return whether the response is about the requested object, and all its parts say so."""

    @abstractmethod
    def has_well_formed_ids(self, value: V) -> bool:
        """Return whether every part that is identified by an id has a well-formed one."""

    def completed(self, call: Call, value: V, paths: list[str]) -> V:
        """Return a leniently decoded value, completed from the key of `call`; add the paths of parts without value."""
        return value

    def named_users(self, value: V) -> Sequence[UserSummary]:
        """Return the users in `value` that the requested user name may belong to."""
        return ()

    def _decode_leniently(self, call: Call, body: bytes, on_drift: OnSchemaMismatch | None, *, fits: bool) -> V:
        """Decode leniently. `fits`: all types match as they are."""
        found, paths = lenient(self.json.type, body, shortens=True, by_part=fits)
        if not fits and not self.has_well_formed_ids(found):  # a part that fits as a whole may have a malformed one
            found, paths = lenient(self.json.type, body, shortens=True, by_part=True)
        value = self.completed(call, found, paths)
        if on_drift is not None and paths:
            on_drift(tuple(dict.fromkeys(paths)))
        return value


def without_others(value: tuple[E, ...], own: tuple[E, ...], paths: list[str]) -> tuple[E, ...]:
    """Return `own`, the entries of a decoded list that are the requested user's, with the count of all that are lost.

    Add the path of the user to `paths` if entries of others were left out.
    """
    if len(own) < len(value):
        paths.append("[*].user")
    missing = left_out(value) + len(value) - len(own)
    return Shortened.of(own, missing) if missing else own


def is_requested_user(call: Call, user: UserSummary | None) -> bool:
    """Return whether `user` may be the user of `call`."""
    if user is None:
        return True
    if not call.endpoint.by_name:
        return user.id == call.key
    return user.username is None or user.username.lower() == call.key.lower()


def identifies(call: Call, user: UserSummary | None) -> bool:
    """Return whether `user` is the requested one, with a user name if that was the key."""
    if user is None or not is_requested_user(call, user):
        return False
    return user.username is not None or not call.endpoint.by_name
