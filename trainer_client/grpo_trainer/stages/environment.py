"""What a run is made with, for its report: versions of the packages, and the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

PACKAGES = ("touchstone-client", "torch", "transformers", "peft", "vllm")


def environment() -> dict[str, str]:
    """By name; what is not installed is left out."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: text for name, text in versions.items() if text},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        **({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
