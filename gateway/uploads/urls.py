"""URLs from which the upstream fetches media: whether they are public, and their kind of media."""

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
# The content types of hosts that do not know the type of a file.
VAGUE = frozenset({"application/octet-stream", "binary/octet-stream"})
# From the URL standard of browsers (WHATWG): the characters removed around and within a URL, the part before its path,
# and the characters that are not percent-encoded.
AROUND = "".join(map(chr, range(0x21)))
WITHIN = re.compile(r"[\t\n\r]")
FRONT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2}[^/?\\]*")
PLAIN = "%:/?@!$&'()*+,;=[]"


class Looks(Protocol):
    """The port to the URL probe, `gateway.upstream.egress.url_probe.Probe`."""

    async def content_type(self, url: str) -> str | None:
        """Return the content type of a URL. Raises AddressNotAllowed and Unreached."""


class NoMedium(Exception):
    """The host reports neither an image nor a video. The message completes the sentence "the URL ..."."""


def as_browsers_send(url: str) -> str:
    """Return the URL as browsers send it: without outer blanks, line breaks and fragment, and percent-encoded.

    The part before the path stays unchanged, so that no invalid host becomes a valid one.
    """
    text = WITHIN.sub("", url.strip(AROUND)).partition("#")[0]
    if not (prefix := FRONT.match(text)):
        return text
    path, mark, query = text[prefix.end() :].partition("?")
    return prefix[0] + quote(path.replace("\\", "/") + mark + query, safe=PLAIN, errors="replace")


@dataclass(frozen=True, slots=True)
class Shown:
    """The kind of media at a URL, by its file name and by its host; None where that source does not say."""

    named: MediumKind | None
    declared: MediumKind | None

    @property
    def kind(self) -> MediumKind:
        """The kind to record.

        The name takes precedence: so a repeated request gives the same command, even if the host's response differs.
        """
        return self.named or self.declared or MediumKind.IMAGE

    def mistaken_for(self, kind: MediumKind) -> str | None:
        """Return why an upstream that assumes `kind` is or may be wrong; None if it is right.

        The text completes the sentence "the URL ...".
        """
        kinds = {self.named, self.declared} - {None}
        if not kinds:
            return "does not say whether it shows an image or a video: send the file instead"
        taken = "a video" if kind is MediumKind.VIDEO else "an image"
        wrong = f"would become {taken}, for this upstream goes by the ending of a URL alone: send the file instead"
        return None if kinds == {kind} else wrong


async def look_at(url: str, looks: Looks) -> Shown:
    """Probe a URL. Raises AddressNotAllowed and NoMedium.

    An unreachable URL is accepted: the upstream may be able to reach it.
    """
    try:
        claimed = await looks.content_type(url)
    except Unreached:
        claimed = None
    declared = None if claimed is None or claimed in VAGUE else _kind_of(claimed)
    return Shown(SUFFIXES.get(PurePosixPath(urlsplit(url).path).suffix.lower()), declared)


def _kind_of(content_type: str) -> MediumKind:
    if content_type.startswith("video/"):
        return MediumKind.VIDEO
    if content_type.startswith("image/"):
        return MediumKind.IMAGE
    raise NoMedium("leads to what is neither an image nor a video")
