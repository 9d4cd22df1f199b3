"""Some completions of a group, asked about again."""

from reward_api.gateway.scoring import picked
from reward_verifiers.contract import ScoreRequest


def test_what_belongs_to_a_completion_goes_along():
    request = ScoreRequest(
        prompt="p", completions=["a", "b", "c"], tokens=[1, 2, 3], sessions=["s0", None, "s2"], id="g", indices=[0, 1, 2],
        group_size=8,
    )  # fmt: skip
    part = picked(request, [2, 0])
    assert (part.completions, part.tokens, part.sessions) == (["c", "a"], [3, 1], ["s2", "s0"])
    assert (part.truncated, part.indices, part.group_size) == (None, None, None)
    assert part.prompt == request.prompt
