"""The gateway's address: its root, and whether a proxy of the environment stands before it."""

from __future__ import annotations

import ipaddress
from urllib.request import getproxies, proxy_bypass

import httpx


def gateway_root(url: str) -> str:
    """The URL. Raises ValueError, with the mend, for one that is no gateway's root."""
    parsed = httpx.URL(url) if "://" in url else None
    if parsed is None or parsed.scheme not in ("http", "https"):
        raise ValueError(f"url: {url!r} must begin with http:// or https://")
    root, score, _ = url.partition("/score")
    if score and "/score" in parsed.path:
        raise ValueError(f"url: give the gateway's root, {root!r}, not {url!r}")
    return url


def is_loopback(url: str) -> bool:
    """Whether it is this machine: then no proxy can reach what is meant."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_of(url: str) -> str | None:
    """The proxy of the environment that requests to the URL go by, without its password."""
    parsed = httpx.URL(url)
    proxies = getproxies()
    proxy = proxies.get(parsed.scheme) or proxies.get("all")
    if proxy is None or is_loopback(url) or proxy_bypass(parsed.host):
        return None
    return str(httpx.URL(proxy if "://" in proxy else f"http://{proxy}").copy_with(username=None, password=None))
