"""Makes losses.json anew: `python make.py FOLDER`, with an environment for each trainer in FOLDER.

torch is named so that a CPU build found by --find-links is taken, and not gigabytes of CUDA.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
UV = Path(sys.executable).with_name("uv")
TORCH = os.environ.get("TOUCHSTONE_TORCH", "torch==2.13.0")
# OpenRLHF's requirements do not build without a GPU, and its loss needs none of them.
INSTALL = {
    "trl": [["trl==1.16.0", TORCH]],
    "verl": [["verl==0.9.1", TORCH]],
    "openrlhf": [["numpy", TORCH], ["--no-deps", "openrlhf==0.11.2"]],
}


def ask(name, folder):
    """The golden numbers of one trainer, from its real code in an environment of its own."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / name], check=True)
        for packages in INSTALL[name]:
            subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *packages], check=True)
    answer = subprocess.run([python, HERE / "trainers.py", name], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    results = [ask(name, Path(sys.argv[1])) for name in INSTALL]
    inputs = results[0]["inputs"]
    assert all(one.pop("inputs") == inputs for one in results)
    (HERE / "losses.json").write_text(json.dumps({"inputs": inputs, "trainers": results}, indent=1) + "\n")
