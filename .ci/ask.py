"""Ask what the README asks and compare the answer with the one it shows.

Exits with 0, with 1 if the answer is another one, with 75 if nobody answers.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parents[1] / "README.md"
NOT_YET = 75  # EX_TEMPFAIL


def shown(readme: str) -> tuple[list[str], Any]:
    """The words of the first curl command, and the answer shown below it."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    for (language, command), (_, answer) in pairwise(blocks):
        if language == "sh" and command.startswith("curl "):
            return shlex.split(command.replace("\\\n", " ")), json.loads(answer)
    raise SystemExit("README.md shows no curl command.")


def request(words: list[str]) -> urllib.request.Request:
    """What curl would send. Every word is understood or refused, so that nothing of the command is left out unseen."""
    program, silent, url, *options = words
    given = dict(zip(options[::2], options[1::2], strict=True))
    if (program, silent, set(given)) != ("curl", "-s", {"-H", "-d"}) or not url.startswith("http://"):
        raise SystemExit(f"No way is known to send this: {shlex.join(words)}")
    name, _, value = given["-H"].partition(": ")
    return urllib.request.Request(url, given["-d"].encode(), {name: value})  # noqa: S310 (http, see above)


def main() -> int:
    words, expected = shown(README.read_text())
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with directly.open(request(words), timeout=60) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        print(f"{error.code} {error.reason}: {error.read().decode(errors='replace')}")
        return 1
    except (urllib.error.URLError, ConnectionError):
        return NOT_YET
    if answer != expected:
        print(f"README.md shows {json.dumps(expected)}\nthe answer is   {json.dumps(answer)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
