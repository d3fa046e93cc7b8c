"""The shape of the list of a user's live stories."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.live_stories import LiveStory
from gateway.domain.partial import Shortened, left_out
from gateway.domain.users import UserSummary
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import have_well_formed_ids
from gateway.upstream.hikerapi.decoding import ResponseShape, is_requested_user

Stories = tuple[LiveStory, ...]


class StoriesShape(ResponseShape[Stories]):
    """Live stories, which all belong to the requested user. They name their author by id alone."""

    def is_asked(self, call: Call, value: Stories) -> bool:
        authors = [story.author for story in value if story.author is not None]
        return not authors or any(is_requested_user(call, author) for author in authors)

    def is_complete(self, call: Call, value: Stories) -> bool:
        authors = [story.author for story in value]
        return all(author is not None and is_requested_user(call, author) for author in authors) and (
            len({author.id for author in authors if author is not None}) <= 1
        )

    def has_well_formed_ids(self, value: Stories) -> bool:
        return have_well_formed_ids(value)

    def completed(self, call: Call, value: Stories, paths: list[str]) -> Stories:
        """Leave out the stories of other users than the requested one, unless all are of another user."""
        author = next((story.author for story in value if _is_by_requested(call, story)), None)
        own = tuple(story for story in value if author is None or story.author is None or story.author.id == author.id)
        missing = left_out(value) + len(value) - len(own)
        if len(own) < len(value):
            paths.append("[*].user")
        return Shortened.of(own, missing) if missing else own

    def named_users(self, value: Stories) -> Sequence[UserSummary]:
        return [story.author for story in value if story.author is not None]


def _is_by_requested(call: Call, story: LiveStory) -> bool:
    return story.author is not None and is_requested_user(call, story.author)


STORIES = StoriesShape(Stories)
