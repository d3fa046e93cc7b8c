"""Which proxy leads to a URL."""

from __future__ import annotations

from functools import partial

import pytest

from gateway.domain.proxies import Proxies, ProxyUnusable

API = "https://api.example.com/v1/user"
PROXY = "http://proxy.example.com:3128"
SECRET = "http://name:p4ssword@proxy.example.com:3128"  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, API, None),
        ({"HTTPS_PROXY": ""}, API, None),
        ({"HTTPS_PROXY": PROXY}, API, ("HTTPS_PROXY", PROXY)),
        ({"HTTPS_PROXY": PROXY}, "http://api.example.com", None),
        ({"HTTP_PROXY": PROXY}, API, None),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8080", ("HTTP_PROXY", PROXY)),
        ({"ALL_PROXY": PROXY}, API, ("ALL_PROXY", PROXY)),
        ({"ALL_PROXY": "http://other:1", "HTTPS_PROXY": PROXY}, API, ("HTTPS_PROXY", PROXY)),
        ({"HTTPS_PROXY": "http://other:1", "https_proxy": PROXY}, API, ("https_proxy", PROXY)),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, API, ("HTTPS_PROXY", PROXY)),
        ({"HTTPS_PROXY": SECRET}, API, ("HTTPS_PROXY", SECRET)),
        ({"HTTPS_PROXY": PROXY}, "https://[", None),
    ],
)
def test_the_usual_variables_say_which_proxy(environ: dict[str, str], url: str, proxy: tuple[str, str] | None) -> None:
    found = Proxies.read(environ).to(url)
    assert (None if found is None else (found.variable, found.url)) == proxy


@pytest.mark.parametrize(
    ("without", "url", "is_direct"),
    [
        ("*", API, True),
        ("api.example.com", API, True),
        ("other.example.com, example.com", API, True),
        (".example.com", API, True),
        ("ple.com", API, False),
        ("api.example.com:443", API, True),
        ("api.example.com:8443", API, False),
        ("*.example.com", API, True),
        ("API.Example.com", API, True),
        (",", API, False),
        ("api.example.com:8443", "https://api.example.com:8443", True),
        ("127.0.0.1,localhost", "https://127.0.0.1:8443", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("fd00::/8", "https://[fd00::1]:8443", True),
        ("10.0.0.0/8", API, False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_what_needs_none_is_asked_without_one(name: str, without: str, url: str, is_direct: bool) -> None:
    found = Proxies.read({"HTTPS_PROXY": PROXY, name: without}).to(url)
    assert (found is None) == is_direct


@pytest.mark.parametrize(
    "value",
    ["socks5://127.0.0.1:1080", "socks5h://u:p@127.0.0.1", "ftp://proxy", "http://", "http://proxy:many", "://"],
)
def test_another_kind_of_proxy_is_refused_by_the_name_of_its_variable(value: str) -> None:
    proxies = Proxies.read({"all_proxy": value})
    for ask in (proxies.check, partial(proxies.to, API)):
        with pytest.raises(ProxyUnusable, match=r"^all_proxy must be an http or https URL") as refusal:
            ask()
        assert "127.0.0.1" not in str(refusal.value)
    Proxies.read({"all_proxy": value, "no_proxy": "*"}).check()


def test_a_password_is_shown_by_nothing() -> None:
    proxies = Proxies.read({"HTTPS_PROXY": SECRET})
    assert "p4ssword" not in repr(proxies) + repr(proxies.to(API))
