"""What `touchstone --version` prints, and a bug report needs: versions, the commit, and which extras are complete.

touchstone-rewards 0.1.0 (commit 3f9c2ab)
touchstone-client 0.1.0 (commit 3f9c2ab)
extras: answer, format, gateway, language
"""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement

SUITE = "touchstone-rewards"
PACKAGES = (SUITE, "touchstone-client")


def report() -> str:
    lines = [_version_of(name) for name in PACKAGES]
    if suite := _installed(SUITE):
        lines.append(f"extras: {', '.join(complete_extras(suite)) or 'none'}")
    return "\n".join(lines)


def complete_extras(suite: Distribution) -> list[str]:
    """Those whose packages are all installed, of whatever version."""
    requirements = [Requirement(line) for line in suite.requires or ()]
    extras = set(suite.metadata.get_all("Provides-Extra") or ())
    needs = {
        extra: [one for one in requirements if one.marker and one.marker.evaluate({"extra": extra})] for extra in extras
    }
    missing = {
        extra for extra in extras if any(one.name != SUITE and _installed(one.name) is None for one in needs[extra])
    }
    while (
        more := {extra for extra in extras if any(one.name == SUITE and one.extras & missing for one in needs[extra])}
        - missing
    ):
        missing |= more
    return sorted(extras - missing)


def _version_of(name: str) -> str:
    package = _installed(name)
    if package is None:
        return f"{name} is not installed"
    commit = _commit_of(package)
    return f"{name} {package.version}" + (f" (commit {commit})" if commit else "")


def _commit_of(package: Distribution) -> str:
    """Of a package that pip took from a repository, or that runs from a checkout; of a wheel nobody knows it."""
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        return str(origin["vcs_info"]["commit_id"])[:10]
    if not origin.get("dir_info", {}).get("editable"):
        return ""
    git = ["git", "-C", unquote(urlsplit(origin["url"]).path), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
