"""The gateway's address: what is refused with the mend, and what proxies have to do with it."""

import pytest

from trainer_client import RewardClient
from trainer_client.address import gateway_root, is_loopback, proxy_of

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def proxy(monkeypatch):
    """A proxy of the environment at which nobody answers."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:9")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://rewards.example/touchstone", "http://score.example"])
def test_a_root_is_taken_as_it_is(url):
    assert gateway_root(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("127.0.0.1:8000", "must begin with http:// or https://"),
        ("localhost:8000", "must begin with http:// or https://"),
        ("ftp://gateway", "must begin with http:// or https://"),
        ("http://gateway:8000/score", "give the gateway's root, 'http://gateway:8000', not"),
        ("http://gateway:8000/score/math", "give the gateway's root, 'http://gateway:8000', not"),
        ("http://gateway/rewards/score/", "give the gateway's root, 'http://gateway/rewards', not"),
    ],
)
def test_another_address_is_refused_with_the_mend(url, reason):
    with pytest.raises(ValueError, match=reason):
        RewardClient(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback(url, expected):
    assert is_loopback(url) is expected


def test_loopback_never_goes_by_a_proxy(proxy, toy_url):
    with RewardClient(toy_url) as client:
        assert client.score("toy", ["yes"], reference="yes").rewards == [1.0]


def test_a_proxy_that_stands_before_the_gateway_is_named_without_its_password(proxy, monkeypatch):
    assert proxy_of("http://gateway:8000") == "http://127.0.0.1:9"
    assert proxy_of("http://127.0.0.1:8000") is None
    with RewardClient("http://gateway.invalid:8000", deadline_s=0.3) as client:
        [failure] = client.score("toy", ["yes"], reference="yes").failures
    assert failure["message"].startswith("the gateway cannot be reached through proxy http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "gateway")
    assert proxy_of("http://gateway:8000") is None
