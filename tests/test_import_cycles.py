"""No module imports a module that imports it. The layers are contracts of import-linter, in pyproject.toml."""

from graphlib import TopologicalSorter

import grimp

PACKAGES = (
    "reward_verifiers",
    "reward_api",
    "reward_sandbox",
    "preference_model",
    "trainer_client",
    "grpo_trainer",
)


def test_there_is_no_cycle_of_imports():
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules
