"""The tools service as tools of verl's `tool_agent` loop.

    actor_rollout_ref.rollout.multi_turn.tool_config_path=tools.yaml

    tools:
      - class_name: trainer_client.adapters.verl_tools.TouchstoneTool
        config: {type: native, name: search}

Each trajectory has a session of its own, which its first call begins. verl hands the session on to the reward, where our
function and our manager name it to the gateway. verl is imported when the class is first asked for. See docs/tools.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any

from trainer_client.adapters.tool_calls import ToolCalls, lost_session, new_session
from trainer_client.tools_client import ToolsAway

_SESSION = "touchstone_session"
_BEGUN = "touchstone_begun"
_OF_ITS_LOOP = "tool_rewards"
"""Among the extra fields of each trajectory of verl's loop, with calls or without."""


def __getattr__(name: str) -> Any:
    if name == "TouchstoneTool":
        return _tool()
    raise AttributeError(name)


def session_of(extra: Mapping[str, Any]) -> str | None:
    """The session of a trajectory, by what verl shows to a reward; "" where it made no call, None where it has no tools."""
    session = extra.get(_SESSION, "" if _OF_ITS_LOOP in extra else None)
    return None if session is None else str(session)


@cache
def _tool() -> Any:
    from verl.tools.base_tool import BaseTool
    from verl.tools.schemas import OpenAIFunctionToolSchema, ToolResponse

    class TouchstoneTool(BaseTool):  # type: ignore[misc,unused-ignore]
        """config: `name` is the tool's, `url` the service's; default: TOUCHSTONE_TOOLS_URL, else the gateway."""

        def __init__(self, config: Mapping[str, Any], tool_schema: Any = None) -> None:
            self._calls = ToolCalls(config.get("url"))
            schema = tool_schema or OpenAIFunctionToolSchema.model_validate(self._calls.schema(config["name"]))
            super().__init__(dict(config), schema)

        async def execute(self, instance_id: str, parameters: Any, *, agent_data: Any, **_: Any) -> Any:
            """Raises ToolsAway, which verl shows to the model."""
            fields = agent_data.extra_fields
            session = fields.setdefault(_SESSION, new_session())
            is_begun = getattr(agent_data, _BEGUN, False)
            try:
                output = await asyncio.to_thread(self._calls.call, session, self.name, parameters, begin=not is_begun)
            except ToolsAway:
                fields[_SESSION] = lost_session()
                raise
            setattr(agent_data, _BEGUN, True)
            return ToolResponse(text=output), 0.0, {}

    return TouchstoneTool
