"""In verl's environment, without Ray: its own `tool_agent` loop with our tools, and its reward managers after it.

What the model writes comes from a script. Arguments: the file of the tools, as `tool_config_path` names it; JSON of the
script, for each trajectory its turns, where `{output}` is what the tool before wrote; JSON of the settings of our reward.
Prints the tools' schemas and, for each trajectory, what is trained on, what is masked, and what each manager gave.
"""

import asyncio
import copy
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import verl
from bytes_tokenizer import bytes_tokenizer
from omegaconf import OmegaConf
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, ToolListWrap
from verl.experimental.agent_loop.tool_agent_loop import ToolAgentLoop
from verl.tools.tool_registry import load_all_tools
from verl.trainer.ppo.reward import load_reward_manager
from verl.workers.rollout.replica import TokenOutput
from world import batch, configuration, ids

TEMPLATE = """{% if tools %}<|im_start|>system
{{ tools | tojson }}<|im_end|>
{% endif %}{% for message in messages %}{% if message.role == 'tool' %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>
{{ call.function | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
OUTPUT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)


class Scripted:
    """In place of the engine's server."""

    def __init__(self, tokenizer, turns):
        self.tokenizer, self.turns = tokenizer, iter(turns)

    async def generate(self, prompt_ids, **_):
        outputs = OUTPUT.findall(self.tokenizer.decode(prompt_ids))
        text = next(self.turns).replace("{output}", outputs[-1] if outputs else "")
        return TokenOutput(token_ids=ids(self.tokenizer, text + "<|im_end|>"), stop_reason="completed")


async def trajectory(tokenizer, config, tools, turns):
    loop = ToolAgentLoop(
        trainer_config=DictConfigWrap(config),
        server_manager=Scripted(tokenizer, turns),
        tokenizer=tokenizer,
        processor=None,
        dataset_cls=SimpleNamespace,
        data_config=DictConfigWrap(OmegaConf.create({})),
        tools=ToolListWrap(tools),
    )
    return await loop.run({}, raw_prompt=[{"role": "user", "content": "What is 17 * 23?"}])


async def rewarded(tokenizer, kind, settings, outputs):
    """As the agent loop's worker asks for it: with what the loop has put into `extra_fields`."""
    manager = load_reward_manager(configuration(kind, size=len(outputs), **settings), tokenizer)
    texts = [tokenizer.decode(output.response_ids).removesuffix("<|im_end|>") for output in outputs]
    data = batch(tokenizer, [{"text": text, "source": "sums", "truth": "391"} for text in texts])
    fields = np.empty(len(outputs), dtype=object)
    fields[:] = [output.extra_fields for output in outputs]
    data.non_tensor_batch["tool_extra_fields"] = fields
    singles = [copy.deepcopy(data[index : index + 1]) for index in range(len(outputs))]  # Ray sends a copy, too
    results = await asyncio.gather(*map(manager.run_single, singles), return_exceptions=True)
    return [f"{type(one).__name__}: {one}" if isinstance(one, BaseException) else one for one in results]


def config_of(path):
    folder = Path(verl.__file__).parent / "trainer" / "config"
    more = {"prompt_length": 8192, "response_length": 2000}
    more["multi_turn"] = {"enable": True, "tool_config_path": path, "max_tool_response_length": 9000}
    rollout = OmegaConf.merge(OmegaConf.load(folder / "rollout" / "rollout.yaml"), more)
    return OmegaConf.create({"actor_rollout_ref": {"rollout": rollout}})


async def main():
    path, script, settings = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    tokenizer = bytes_tokenizer()
    tokenizer.chat_template = TEMPLATE
    config = config_of(path)
    tools = load_all_tools(config.actor_rollout_ref.rollout.multi_turn.tool_config_path, None)
    outputs = await asyncio.gather(*(trajectory(tokenizer, config, tools, turns) for turns in script))
    rewards = {kind: await rewarded(tokenizer, kind, settings, outputs) for kind in ("function", "manager")}
    seen = []
    for output in outputs:
        pairs = list(zip(output.response_ids, output.response_mask, strict=True))
        own, masked = ([token for token, mask in pairs if mask == kind] for kind in (1, 0))
        session = output.extra_fields.get("touchstone_session")
        seen.append({"own": tokenizer.decode(own), "tools": tokenizer.decode(masked), "session": session})
    schemas = {tool.name: tool.tool_schema.model_dump() for tool in tools}
    print(json.dumps({"schemas": schemas, "seen": seen, "rewards": rewards}))


asyncio.run(main())
