"""In TRL's environment: our environment as its trainer takes it, by its public methods, their types and docstrings.

Prints the schemas that a chat template gets, what some calls came to, and the sessions before and after a reset.
"""

import inspect
import json

from transformers.utils import get_json_schema

from trainer_client.adapters.trl_tools import Tools


def main():
    environment = Tools()
    environment.reset(prompt="p")
    # As GRPOTrainer finds them.
    members = inspect.getmembers(type(environment), predicate=inspect.isfunction)
    methods = [name for name, _ in members if name != "reset" and not name.startswith("_")]
    schemas = {name: get_json_schema(getattr(environment, name))["function"]["parameters"] for name in methods}
    environment.python("n = 6")
    outputs = [environment.calculate("6 * 7"), environment.python("n + 1"), environment.calculate("6 *")]
    sessions = [environment.touchstone_session]
    environment.reset(prompt="p")
    sessions.append(environment.touchstone_session)
    print(json.dumps({"schemas": schemas, "outputs": outputs, "sessions": sessions}))


main()
