"""ms-swift: rewards for the plug-in whose path this module prints.

    swift rlhf --rlhf_type grpo --external_plugins "$(python -m trainer_client.adapters.swift)" --reward_funcs touchstone …

ms-swift takes None and makes it NaN, which its sum then counts as 0 (4.6.0, `rl_core/advantage.py`): a punishment. So a row
without a verdict gets the mean of its scored siblings, with which its advantage is 0 and their mean stays as it is. Where no
sibling has a reward all of the group are None: all 0, and no advantages. See docs/trainers/swift.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer_client.adapters.rows import grouped, imputed
from trainer_client.adapters.settings import adapter_settings, client

# What ms-swift adds to the columns, a value a row.
_OWN = frozenset(
    {"messages", "prompt_id", "request_id", "finish_reason", "is_truncated", "rollout_infos", "response_token_ids"}
)


async def reward(completions: Sequence[str], **columns: Any) -> list[float | None]:
    """The gateway's reward of each completion, imputed where there is none and a sibling has one.

    Raises TooManyFailures above TOUCHSTONE_STOP_AT, BadGroup for a wrong key, URL or domain, ValueError for a row without a
    domain.
    """
    settings = adapter_settings()
    conversations = columns.get("messages") or [None] * len(completions)
    prompts = [messages and messages[:-1] for messages in conversations]
    row_columns = {name: values for name, values in columns.items() if name not in _OWN}
    step = getattr(columns.get("trainer_state"), "global_step", None)
    batch = grouped(settings, prompts, completions, row_columns, _tokens(columns), step)
    scored = await client(settings).score_many(batch.groups)
    return batch.in_rows([imputed(group) for group in scored])


def _tokens(columns: Mapping[str, Any]) -> list[int] | None:
    """Lengths in tokens, where every row has its token ids: a list of them, or one a turn."""
    ids = columns.get("response_token_ids")
    if not ids or not all(ids):
        return None
    return [sum(len(turn) if isinstance(turn, list) else 1 for turn in row) for row in ids]


if __name__ == "__main__":
    sys.stdout.write(f"{Path(__file__).with_name('swift_plugin') / 'touchstone_swift.py'}\n")
