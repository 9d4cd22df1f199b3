import shutil
from pathlib import Path

import pytest

RECIPES = Path(__file__).parents[3] / "recipes"


# A model that has learned nothing is never right, but it is more or less long.
BRIEF = """
components:
  - {verifier: answer, options: {kind: exact}}
  - {verifier: format}
  - {verifier: overlong, options: {limit: 40, margin: 40}}
"""


@pytest.fixture(scope="session")
def gateway(serve, tmp_path_factory):
    """The URL of a running gateway with the recipes' domains, and `brief`s, whose rewards differ for any model."""
    domains = tmp_path_factory.mktemp("domains")
    for name in ("signs", "products"):
        shutil.copy(RECIPES / "domains" / f"{name}.yaml", domains)
    (domains / "brief.yaml").write_text(BRIEF)
    (domains / "products_brief.yaml").write_text(BRIEF.replace("exact", "number"))
    with serve("--domains", str(domains), "--workers", "1") as (url, _):
        yield url
