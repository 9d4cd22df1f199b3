import pytest

from reward_verifiers.conformance import check_verifier

GROUP = ["<think>t</think><answer>\\boxed{\\frac{1}{2}}</answer>", "0.5", "so it is 3", "", "\\boxed{x^2}"]


@pytest.mark.slow
@pytest.mark.parametrize("reference", [{"answer": "1/2"}, {"answer": "7\\pi"}])
async def test_conformance(reference):
    await check_verifier("answer", completions=GROUP, reference=reference)
