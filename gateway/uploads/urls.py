"""URLs that the upstream is to fetch media from: public, and of which kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import quote, urlsplit

from gateway.domain.publishing import MediumKind
from gateway.upstream.egress.url_probe import Unreached

SUFFIXES = {
    ".jpg": MediumKind.IMAGE,
    ".jpeg": MediumKind.IMAGE,
    ".mp4": MediumKind.VIDEO,
    ".mov": MediumKind.VIDEO,
    ".m4v": MediumKind.VIDEO,
}
# What hosts say of a file when nobody has told them.
VAGUE = frozenset({"application/octet-stream", "binary/octet-stream"})
# As the URL standard of browsers (WHATWG) reads what people type: what is left out around and within a URL, where its
# path begins, and what of it is written as it is.
AROUND = "".join(map(chr, range(0x21)))
WITHIN = re.compile(r"[\t\n\r]")
FRONT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2}[^/?\\]*")
PLAIN = "%:/?@!$&'()*+,;=[]"


class Looks(Protocol):
    """`gateway.upstream.egress.url_probe.Probe`."""

    async def content_type(self, url: str) -> str | None:
        """Raises NotPublic and Unreached."""


class NoMedium(Exception):
    """The host says that there is no picture and no video. The message ends the sentence "the URL ..."."""


def as_browsers_send(url: str) -> str:
    """Without blanks around it, line breaks in it, and its fragment, and percent-encoded where it has to be.

    What stands before the path is left as it is: no host is made of what is none.
    """
    text = WITHIN.sub("", url.strip(AROUND)).partition("#")[0]
    if not (front := FRONT.match(text)):
        return text
    path, mark, query = text[front.end() :].partition("?")
    return front[0] + quote(path.replace("\\", "/") + mark + query, safe=PLAIN, errors="replace")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a URL shows, as its name says and as its host does; None for one that does not say."""

    named: MediumKind | None
    told: MediumKind | None

    @property
    def kind(self) -> MediumKind:
        """A name that says what it is decides: then the same request, sent again, is the same order, however its host
        feels."""
        return self.named or self.told or MediumKind.IMAGE

    def mistaken_for(self, kind: MediumKind) -> str | None:
        """Why an upstream that takes it for `kind` would be wrong, or may be. It ends the sentence "the URL ..."."""
        said = {self.named, self.told} - {None}
        if not said:
            return "does not say whether it shows an image or a video: send the file instead"
        taken = "a video" if kind is MediumKind.VIDEO else "an image"
        wrong = f"would become {taken}, for this upstream goes by the ending of a URL alone: send the file instead"
        return None if said == {kind} else wrong


async def look_at(url: str, looks: Looks) -> Shown:
    """Raises NotPublic and NoMedium. What cannot be reached from here is left to the upstream to judge."""
    try:
        claimed = await looks.content_type(url)
    except Unreached:
        claimed = None
    told = None if claimed is None or claimed in VAGUE else _told(claimed)
    return Shown(SUFFIXES.get(PurePosixPath(urlsplit(url).path).suffix.lower()), told)


def _told(content_type: str) -> MediumKind:
    if content_type.startswith("video/"):
        return MediumKind.VIDEO
    if content_type.startswith("image/"):
        return MediumKind.IMAGE
    raise NoMedium("leads to what is neither an image nor a video")
