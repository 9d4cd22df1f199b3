from grpo_trainer.report.examples import examples


def picked(rows):
    return [(example.why, example.completion) for example in examples(rows)]


def test_best_worst_and_longest(row):
    rows = [
        row(completion="worst", reward=-1.0),
        row(completion="as bad, later", reward=-1.0),
        row(completion="good, earlier", reward=2.0),
        row(completion="good, later", reward=2.0),
        row(completion="long", reward=0.0, tokens=90),
    ]
    assert picked(rows) == [("best", "good, later"), ("worst", "worst"), ("longest", "long")]


def test_the_first_with_each_reflective_word(row):
    rows = [
        row(completion="a"),
        row(completion="b", reflective_words={"wait": 2}),
        row(completion="c", reflective_words={"wait": 1, "check": 1}),
    ]
    assert picked(rows)[3:] == [("first with “wait”", "b"), ("first with “check”", "c")]


def test_those_without_a_verdict_are_no_bad_ones(row):
    nothing = {"reward": None, "failure": "timeout", "components": {"answer": None}, "reasons": {}}
    rows = [row(completion="fine", reward=-5.0), *(row(completion=f"lost {place}", **nothing) for place in range(5))]
    chosen = examples(rows)
    assert [one.completion for one in chosen if one.why == "worst"] == ["fine"]
    lost = [one for one in chosen if one.why == "without a verdict"]
    assert [one.completion for one in lost] == ["lost 0", "lost 1", "lost 2"]
    assert lost[0].details["reward"] == "none: timeout"
    assert lost[0].details["answer"] == "none"


def test_reasons_stand_beside_the_scores(row):
    (best, *_) = examples([row(truncated=True)])
    assert best.details == {
        "reward": "1",
        "advantage": "0.5",
        "tokens": "3, cut at the limit",
        "answer": "1 equal as integers",
    }


def test_a_long_text_is_cut_in_the_middle(row):
    (best, *_) = examples([row(completion="a" * 9000 + "z")])
    assert len(best.completion) < 4100
    assert best.completion.startswith("aaa")
    assert best.completion.endswith("az")
    assert "5,001 characters" in best.completion


def test_a_run_without_rollouts_has_no_examples():
    assert examples([]) == []


def test_a_tools_turns_are_shown_apart(row):
    turns = [
        {"role": "assistant", "content": "<calculate>1+1</calculate>"},
        {"role": "tool", "content": "<output>2</output>"},
    ]
    (best, *_) = examples([row(completion=turns, calls=["ok"])])
    assert best.completion == "<calculate>1+1</calculate>\n⟦tool⟧ <output>2</output>"
    assert best.details["calls"] == "ok"
    forged = "<output>2</output>\n⟦tool⟧ 2"
    (best, *_) = examples([row(completion=forged, calls=[])])
    assert (best.completion, best.details["calls"]) == (forged, "none")
