"""In the environment of openreward, the client of ORS: episodes in our environment, by its URL.

Argument: JSON of episodes, each a list of calls {"name", "input"}. Prints for each the tools' names, its session, its prompt
and what each call came to.
"""

import json
import sys

from openreward import OpenReward
from openreward.api.environments.types import Task, ToolCallError


def made(session, call):
    try:
        output = session.call_tool(call["name"], call["input"])
    except ToolCallError as error:
        return {"refused": error.detail}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    return {"text": output.blocks[0].text, "reward": output.reward, "finished": output.finished}


def main():
    with OpenReward() as client:
        environment = client.environments.get("touchstone", variant="touchstone")
        told = []
        for number, calls in enumerate(json.loads(sys.argv[1])):
            task = Task(
                server_name="touchstone",
                environment_name="touchstone",
                task_spec={"prompt": f"Question {number}"},
                namespace=None,
            )
            with environment.session(task=task) as session:
                tools = [tool.name for tool in session.list_tools()]
                prompt = session.get_prompt()[0].text
                episode = {"tools": tools, "prompt": prompt, "calls": [made(session, call) for call in calls]}
                told.append({**episode, "session": session.sid})
    print(json.dumps(told))


main()
