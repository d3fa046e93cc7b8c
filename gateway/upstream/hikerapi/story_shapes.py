"""The shape of the list of a user's live stories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.domain.live_stories import LiveStory
from gateway.domain.users import UserSummary
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import have_well_formed_ids
from gateway.upstream.hikerapi.decoding import ResponseShape, is_requested_user, without_others

Stories = tuple[LiveStory, ...]


class StoriesShape(ResponseShape[Stories]):
    """Live stories, which all belong to the requested user. They name their author by id alone."""

    def is_about(self, call: Call, value: Stories) -> bool:
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
        author_id = _author_id(call, value)
        own = tuple(
            story for story in value if author_id is None or story.author is None or story.author.id == author_id
        )
        return without_others(value, own, paths)

    def named_users(self, value: Stories) -> Sequence[UserSummary]:
        return [story.author for story in value if story.author is not None]


def _author_id(call: Call, value: Stories) -> str | None:
    """Return the id of the requested user: of an author with that name, or else of the most frequent one."""
    authors = [story.author for story in value if story.author is not None and is_requested_user(call, story.author)]
    named = [author.id for author in authors if author.username is not None]
    ids = Counter(named or [author.id for author in authors])
    return max(ids, key=ids.__getitem__, default=None)


STORIES = StoriesShape(Stories)
