import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

import tiny


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of tiny models: three decoders, an encoder, and classifiers with three outputs."""
    root = tmp_path_factory.mktemp("models")
    made = {kind: tiny.decoder(root / kind, kind) for kind in tiny.DECODERS}
    return {
        **made,
        "other": tiny.decoder(root / "other", seed=1),
        "bert": tiny.encoder(root / "bert"),
        "three": tiny.encoder(root / "three", labels=3),
    }


@pytest.fixture
def registry(tmp_path):
    """Writes a registry file: `registry(rm={...}, default="rm")`."""

    def write(default: str | None = None, **entries) -> Path:
        path = tmp_path / "preference.yaml"
        data = {
            "models": {
                name: {k: str(v) if isinstance(v, Path) else v for k, v in spec.items()}
                for name, spec in entries.items()
            }
        }
        path.write_text(yaml.safe_dump(data | ({"default": default} if default else {})))
        return path

    return write
