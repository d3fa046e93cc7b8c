"""Origins of URLs, in the form of browsers."""

from __future__ import annotations

import pytest

from gateway.domain.hosts import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://App.Example.com/done?a=1#b", "https://app.example.com"),
        ("HTTPS://app.example.com:443/", "https://app.example.com"),
        ("http://app.example.com:443/", "http://app.example.com:443"),
        ("http://[::1]:8000/graphql", "http://[::1]:8000"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("https://app.example.com@evil.example.com/", None),
        ("https://:password@app.example.com/", None),
        ("javascript:alert(1)", None),
        ("//app.example.com/", None),
        ("https:///done", None),
        ("https://app.example.com:port/", None),
        ("https://[::1/", None),
    ],
)
def test_only_a_plain_web_address_has_an_origin(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
