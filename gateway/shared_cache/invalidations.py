"""Invalidations as messages between instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.domain.ids import EntityId, HighlightId, Subject, UserId, Username
from gateway.domain.media import MediaId
from gateway.reads.facts import EntityType, FactKind

Target: TypeAlias = UserId | Username | HighlightId | MediaId
_IDS: tuple[type[EntityId], ...] = tuple(entity.id for entity in EntityType)
SUBJECTS: Mapping[str, type[EntityId | Username]] = {Username.__name__: Username} | {id.__name__: id for id in _IDS}
TARGETS: Mapping[str, type[Target]] = {
    UserId.__name__: UserId,
    Username.__name__: Username,
    HighlightId.__name__: HighlightId,
    MediaId.__name__: MediaId,
}


class SubjectsChanged(msgspec.Struct, tag="subjects", frozen=True):
    """Answers about these subjects are no longer true: kind of fact, type of the subject, and key of each."""

    subjects: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, subjects: Sequence[tuple[FactKind, Subject]]) -> SubjectsChanged:
        return cls(tuple((kind.name or "", type(subject).__name__, str(subject.key)) for kind, subject in subjects))

    def decoded(self) -> list[tuple[FactKind, Subject]]:
        """Return the subjects; those of kinds that this version does not know are left out."""
        return [
            (FactKind[kind], SUBJECTS[type](key))
            for kind, type, key in self.subjects
            if kind in FactKind.__members__ and type in SUBJECTS
        ]


class DataForgotten(msgspec.Struct, tag="forgotten", frozen=True):
    """An operator has had the data of a target forgotten, or all data: type and key of the target."""

    target: tuple[str, str] | None


Message = SubjectsChanged | DataForgotten
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def forgotten(target: Target | None) -> DataForgotten:
    return DataForgotten(None if target is None else (type(target).__name__, str(target.key)))


def target_of(message: DataForgotten) -> Target | None:
    """Return the target; None, which is all data, also for one that this version does not know."""
    kind, key = message.target or ("", "")
    return TARGETS[kind](key) if kind in TARGETS else None


def encoded(message: Message) -> bytes:
    return msgspec.json.encode(message)


def decoded(data: bytes) -> Message | None:
    """Return the message; None for one of another version."""
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError:
        return None
