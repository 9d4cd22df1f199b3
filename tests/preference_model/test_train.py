"""Training and evaluation by the command line, on tiny models and made-up data whose answer is known."""

import json
import math
import random
import re
import shlex

import peers as wires
import pytest
import torch
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from preference_model.train import balance, metrics, training
from preference_model.train.config import TrainConfig
from preference_model.train.data import BadData, LabelledText, PreferencePair, UnlabelledPair, read, split
from reward_api.cli.main import app

pytestmark = pytest.mark.slow

GOOD, BAD = ["light", "blue", "helpful", "scatters"], ["dog", "lazy", "fox", "jumps"]


def touchstone(*arguments):
    """The command line, in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def sentence(words, chance):
    return " ".join(chance.choices(words, k=chance.randint(3, 9)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Pairs that a bag of words tells apart, and labelled texts alike; written by three systems."""
    chance = random.Random(0)
    folder = tmp_path_factory.mktemp("data")
    pairs, points = [], []
    for number in range(240):
        prompt = f"question {number}"
        writers = chance.sample(["alpha", "beta", "gamma"], 2)
        pairs.append(
            {
                "prompt": prompt,
                "chosen": sentence(GOOD, chance),
                "rejected": sentence(BAD, chance),
                "chosen_by": writers[0],
                "rejected_by": writers[1],
            }
        )
        label = number % 2
        points.append({"prompt": prompt, "text": sentence(GOOD if label else BAD, chance), "label": label})
    for name, rows in (("pairs", pairs), ("points", points)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_head_is_trained_carded_measured_and_served(models, data, tmp_path, registry):
    head = tmp_path / "head"
    done = touchstone(
        "preference",
        "train",
        "--data",
        data / "pairs.jsonl",
        "-o",
        head,
        "--backbone",
        models["bert"],
        "--max-tokens",
        64,
    )
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in head.iterdir()) == ["README.md", "head.json", "head.safetensors"]
    assert (head / "head.safetensors").stat().st_size < 4096
    card = (head / "README.md").read_text()
    for text in (
        "pairs.jsonl",
        "baseline: longer wins",
        "baseline: the system that wins more often",
        "ECE",
        "style: bold",
    ):
        assert text in card
    assert float(re.search(r"\| accuracy \| ([\d.]+)", card)[1]) > 0.95

    path = registry(mine={"head": head, "floor": -9})
    measured = touchstone(
        "preference", "eval", "--data", data / "pairs.jsonl", "--model", "mine", "--registry", path, "--calibration"
    )
    assert measured.exit_code == 0, measured.stderr
    assert "accuracy" in measured.stdout
    results = calibration_of(measured)
    assert (results["set"], len(results["quantiles"])) == ("held-out prompts of pairs.jsonl", 21)

    # An entry that has one already is measured on the model's own scale, so that it can be made anew.
    scaled = {"head": head, "normalisation": "percentile", "calibration": results, "clip": [0.4, 0.6]}
    again = touchstone(
        *("preference", "eval", "--data", data / "pairs.jsonl", "--model", "mine", "--calibration"),
        *("--registry", registry(mine=scaled)),
    )
    assert calibration_of(again) == results


def calibration_of(done):
    """The one line that is meant to be copied into a registry."""
    [line] = [line for line in done.stdout.splitlines() if line.startswith("calibration:")]
    return yaml.safe_load(line)["calibration"]


def test_the_card_begins_with_what_it_is_for_and_ends_with_the_command_that_makes_it_again(models, data, tmp_path):
    about = tmp_path / "about.md"
    about.write_text("# Mine\n\nFor tests, and for nothing else.\n")
    arguments = [
        "preference",
        "train",
        "--data",
        data / "pairs.jsonl",
        "--backbone",
        models["bert"],
        "--max-tokens",
        64,
    ]
    arguments += ["--epochs", 4, "--hold-out-system", "gamma", "--about", about]
    done = touchstone(*arguments, "-o", tmp_path / "one")
    assert done.exit_code == 0, done.stderr
    card = (tmp_path / "one/README.md").read_text()
    assert card.startswith("# Mine\n\nFor tests, and for nothing else.\n\nA linear head")
    assert "## On held-out prompts of held-out systems" in card
    command = shlex.split(re.search(r"```bash\n(.*?)```", card, re.DOTALL)[1].replace("\\\n", " "))
    paths = {"FOLDER": tmp_path / "two", "pairs.jsonl": data / "pairs.jsonl"}
    again = touchstone(*(paths.get(word, word) for word in command[1:]), "--about", about)
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "two/README.md").read_text() == card
    one, two = (load_file(tmp_path / folder / "head.safetensors") for folder in ("one", "two"))
    assert torch.equal(one["weight"], two["weight"])


def test_points_are_trained_by_their_labels(models, data, tmp_path):
    head = tmp_path / "head"
    done = touchstone(
        "preference", "train", "--data", data / "points.jsonl", "-o", head, "--backbone", models["bert"], "--epochs", 40
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads((head / "head.json").read_text())["features"] == "answer"
    assert float(re.search(r"\| AUROC \| ([\d.]+)", (head / "README.md").read_text())[1]) > 0.95


@pytest.mark.parametrize("kind", ["llama", pytest.param("bert", marks=pytest.mark.long)])
def test_a_whole_model_is_trained(models, data, tmp_path, kind):
    folder = tmp_path / "model"
    done = touchstone(
        *(
            "preference",
            "train",
            "--data",
            data / "pairs.jsonl",
            "-o",
            folder,
            "--backbone",
            models[kind],
            "--unfrozen",
        ),
        *("--epochs", 3, "--batch", 16, "--lr", 2e-3, "--max-tokens", 64, "--decorrelate", 0.1, "--negatives", 0.2),
    )
    assert done.exit_code == 0, done.stderr
    assert (folder / "model.safetensors").is_file()
    before, after = load_file(models[kind] / "model.safetensors"), load_file(folder / "model.safetensors")
    assert any(not torch.equal(before[name], after[name]) for name in before if "embed" in name)
    assert float(re.search(r"\| accuracy \| ([\d.]+)", (folder / "README.md").read_text())[1]) > 0.9


def test_a_step_in_passes_is_the_step_at_once(models, data, tmp_path):
    records = read([data / "pairs.jsonl"])[:24]

    def gradient(pass_tokens):
        config = TrainConfig(
            backbone=str(models["llama"]), frozen=False, max_tokens=64, pass_tokens=pass_tokens, lr=1e-9
        )
        examples = training.examples(records, config)
        rows = [row for row, weight in enumerate(examples.weight) if weight]
        model = training.prepare(config, examples.texts, lambda _: None)
        parts = model.passes(rows, examples)
        assert sorted(row for part in parts for row in part) == rows
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        loss = training._step(model, examples, rows, config, optimizer)
        return len(parts), loss, torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])

    (one, whole, expected), (many, loss, results) = gradient(1 << 20), gradient(128)
    assert (one, many > 3) == (1, True)
    assert loss == pytest.approx(whole, abs=1e-5)
    assert torch.allclose(results, expected, atol=1e-5)


def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(models, data, tmp_path):
    records = read([data / "pairs.jsonl"])
    config = TrainConfig(backbone=str(models["bert"]), max_tokens=64, epochs=6, patience=6)
    part = split(records, "train") + split(records, "validation")
    examples = training.examples(part, config)
    rows = range(len(part) - 20, len(part))

    def run(folder, stop_after=None):
        folder.mkdir(exist_ok=True)
        model = training.prepare(config, examples.texts, lambda _: None)
        seen = []

        def message(progress):
            seen.append(progress.epoch)
            if progress.epoch == stop_after:
                raise KeyboardInterrupt

        training.fit(model, examples, rows, config, folder, message)
        return seen, load_file(folder / "head.safetensors")

    whole, weights = run(tmp_path / "whole")
    assert whole == list(range(6))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", stop_after=2)
    rest, again = run(tmp_path / "cut")
    assert rest == [3, 4, 5]
    assert torch.allclose(weights["weight"], again["weight"], atol=1e-6)
    assert not (tmp_path / "cut/checkpoint.pt").exists()


def test_held_out_systems_are_never_trained_on(data):
    records = read([data / "pairs.jsonl"])
    held = frozenset({"gamma"})
    seen, asked = split(records, "train", held), split(records, "held-out", held)
    assert seen
    assert asked
    assert all("gamma" not in (pair.chosen_by, pair.rejected_by) for pair in seen)
    assert all("gamma" in (pair.chosen_by, pair.rejected_by) for pair in asked)
    assert not {pair.prompt for pair in split(records, "train")} & {pair.prompt for pair in split(records, "held-out")}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "p", "a": "x", "b": "y"}, UnlabelledPair("p", "x", "y")),
        ({"input": "p", "output_1": "x", "output_2": "y", "label": "2"}, PreferencePair("p", "y", "x")),
        ({"prompt": "p", "text": "t", "label": 1}, LabelledText("p", "t", 1)),
        ({"prompt": "bad words", "S": 0, "H": 1}, LabelledText("", "bad words", 0)),
        (
            {"chosen": "\n\nHuman: q\n\nAssistant: yes", "rejected": "\n\nHuman: q\n\nAssistant: no"},
            PreferencePair("q", "yes", "no"),
        ),
        (
            {"instruction": "i", "input": "n", "response1": "x", "response2": "y", "cmp_key": "one_two"}
            | {"annotator1": "2", "annotator2": "2", "annotator3": "1"},
            PreferencePair("i\n\nn", "y", "x", "two", "one"),
        ),
        (
            {"question": "q", "ground_truth": "2 + 2\nA: 4", "small": {"solution": "A: 5", "is_correct": False}},
            LabelledText("q", "A: 5", 0, "4", "small"),
        ),
        (
            {"prompt": "p", "text": "t", "label": 1, "reference": 4, "by": "w"},
            LabelledText("p", "t", 1, "4", "w"),
        ),
        # What ends a line of text and no line of JSON.
        ({"prompt": "p\u2028q", "a": "x\x85", "b": "\u2029y"}, UnlabelledPair("p\u2028q", "x\x85", "\u2029y")),
    ],
)
def test_shapes_of_data(tmp_path, row, expected):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert read([path]) == [expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no record"),
        ("{", "neither JSON nor JSON lines"),
        ("[1]", "every record must be an object"),
        ('{"question": 1}', "no known shape; the first record has question"),
        ('{"prompt": "p", "chosen": 1, "rejected": "x"}', "record 1: TypeError chosen must be a string"),
        ('{"prompt": "p", "text": "t", "label": 3}', "record 1: ValueError label must be 0 or 1"),
    ],
)
def test_data_that_does_not_fit_is_named(tmp_path, text, message):
    path = tmp_path / "data.jsonl"
    path.write_text(text)
    with pytest.raises(BadData, match=re.escape(message)):
        read([path])


def test_the_commands_say_what_is_wrong(tmp_path, data, models):
    done = touchstone(
        "preference", "train", "--data", data / "pairs.jsonl", "-o", tmp_path / "x", "--backbone", "/nowhere"
    )
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    done = touchstone("preference", "eval", "--data", data / "pairs.jsonl", "--model", "/nowhere")
    assert "no name of the registry, and no folder" in done.stderr
    done = touchstone("preference", "eval", "--data", data / "pairs.jsonl", "--model", "helpful", "--split", "test")
    assert (done.exit_code, "held-out" in done.stderr) == (2, True)


async def test_k_votes_with_a_margin_make_pairs(tmp_path, peers, registry, monkeypatch):
    from rich.console import Console

    from preference_model.train.labelling import label_pairs

    judge = wires.Judge()
    path = registry(j={"upstream": {"kind": "judge_pairs", "url": peers(judge.app)}})
    monkeypatch.setenv("TOUCHSTONE_PREFERENCE_REGISTRY", str(path))
    long = "Four, and here is why it must be so."
    records = [
        UnlabelledPair("p", "Four.", long),
        UnlabelledPair("p", "Four, I say.", "Four."),
        UnlabelledPair("q", "a", "b"),
    ]
    quiet = Console(quiet=True)
    assert await label_pairs(records, "j", 4, 1.0, tmp_path / "out", quiet) == [PreferencePair("p", long, "Four.")]
    asked = len(judge.asked)
    assert asked == 12
    assert await label_pairs(records, "j", 4, 0.0, tmp_path / "out", quiet) == [
        PreferencePair("p", long, "Four."),
        PreferencePair("p", "Four, I say.", "Four."),
    ]
    assert len(judge.asked) == asked  # what was judged is kept


def test_a_judge_is_measured_in_both_orders(peers, registry, data):
    judge = wires.Judge()
    judge.bias = 1000  # whatever stands first
    path = registry(j={"upstream": {"kind": "judge_pairs", "url": peers(judge.app)}})
    done = touchstone("preference", "eval", "--data", data / "pairs.jsonl", "--model", "j", "--registry", path)
    assert done.exit_code == 0, done.output
    assert re.search(r"position consistency +│ 0\.000", done.stdout)
    assert re.search(r"first-position share +│ 1\.000", done.stdout)
    assert re.search(r"accuracy +│ 0\.500", done.stdout)


@pytest.fixture
def answers(tmp_path):
    """Forty texts with a reference and a label, by two writers; a judge that looks for the reference is right on 30."""
    rows = []
    for number in range(40):
        right, said = number % 2, f"It is {number if number % 4 in (1, 2, 3) else -number - 1} I say."
        rows.append({"prompt": f"q {number}", "text": said, "label": right, "reference": number, "by": f"w{right}"})
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def shown(done, name):
    """(value, rest of the row) of a printed table."""
    [results] = re.findall(rf"^│ {re.escape(name)} +│ ([\d.]+)([^│]*)│([^│]*)│", done.stdout, re.MULTILINE)
    return float(results[0]), "".join(results[1:])


def test_a_judge_by_a_reference_is_measured_over_http_on_known_labels(listening, registry, answers):
    judge = wires.Judge()
    judge.fooled = True
    path = registry(j={"upstream": {"kind": "judge_reference", "url": listening(judge.app), "model": "m"}})
    done = touchstone("preference", "eval", "--data", answers, "--model", "j", "--registry", path, "--split", "all")
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    agree = [(str(row["reference"]) in row["text"]) == bool(row["label"]) for row in rows]
    accuracy, interval = shown(done, "accuracy")
    assert accuracy == pytest.approx(sum(agree) / 40, abs=1e-3)
    low, high = map(float, re.search(r"\(([\d.]+) to ([\d.]+)\)", interval).groups())
    assert low < accuracy < high
    assert shown(done, "baseline: always the commoner label")[0] == 0.5
    assert shown(done, "baseline: correct if it holds the reference")[0] == pytest.approx(accuracy)
    assert shown(done, "correct texts that it calls correct")[0] == 1
    assert shown(done, "without a verdict")[0] == 0
    before, after = (shown(done, f"openers alone that it calls correct, {when}")[0] for when in ("no guard", "guarded"))
    assert before > 0.1
    assert after == 0


def test_what_a_judge_says_and_cannot_be_read_is_a_failure_and_no_mistake(listening, registry, answers):
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    for row in rows:
        right = str(row["reference"]) in row["text"]
        row["label"] = int(right)  # it is right wherever it can be read
        row["text"] += " mumble" if row["reference"] % 5 == 0 else ""
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = wires.Judge()
    entry = {"upstream": {"kind": "judge_reference", "url": listening(judge.app)}}
    arguments = [
        "preference",
        "eval",
        "--data",
        answers,
        "--model",
        "j",
        "--registry",
        registry(j=entry),
        "--split",
        "all",
    ]
    done = touchstone(*arguments)
    assert "40 points, 8 without a score" in done.stdout
    assert shown(done, "accuracy")[0] == 1
    share, why = shown(done, "without a verdict")
    assert share == 0.2
    assert "8 verifier_error" in why

    judge.trouble = 500
    failed = touchstone(*arguments)
    assert failed.exit_code == 0, failed.stderr
    assert "40 points, 40 without a score" in failed.stdout
    assert shown(failed, "without a verdict")[0] == 1
    assert "accuracy" not in failed.stdout


@pytest.mark.parametrize(("kind", "file"), [("judge_reference", "pairs.jsonl"), ("judge_pairs", "points.jsonl")])
def test_a_judge_that_the_data_cannot_ask_is_told(registry, data, kind, file):
    path = registry(j={"upstream": {"kind": kind, "url": "http://127.0.0.1:9"}})
    done = touchstone("preference", "eval", "--data", data / file, "--model", "j", "--registry", path)
    assert done.exit_code == 1
    assert f"{file}: no record in that part that a judge" in done.stderr


def test_which_system_wrote_a_text_stands_beside_what_a_head_makes_of_it(models, data, tmp_path):
    rows = [json.loads(line) for line in (data / "points.jsonl").read_text().splitlines()]
    path = tmp_path / "written.jsonl"
    path.write_text("".join(json.dumps(row | {"by": f"w{row['label']}"}) + "\n" for row in rows))
    done = touchstone(
        "preference", "train", "--data", path, "-o", tmp_path / "head", "--backbone", models["bert"], "--epochs", 2
    )
    assert done.exit_code == 0, done.stderr
    card = (tmp_path / "head/README.md").read_text()
    assert "| baseline: the system that is good more often, AUROC | 1.000 |" in card


def test_length_balance_leaves_nothing_to_length():
    chance = random.Random(1)
    pairs = []
    for _ in range(400):
        short, long = "a" * chance.randint(5, 50), "b" * chance.randint(60, 200)
        pairs.append(PreferencePair("p", *((long, short) if chance.random() < 0.8 else (short, long))))
    weights = balance.weights(pairs)
    assert metrics.accuracy(metrics.length_margins(pairs)) > 0.75
    assert metrics.accuracy(metrics.length_margins(pairs), weights) == pytest.approx(0.5)


def test_metrics_on_numbers_done_by_hand():
    assert metrics.accuracy([1.0, -1.0, 0.0, 2.0]) == 0.625
    assert metrics.interval(0.5, 100) == (pytest.approx(0.404, abs=1e-3), pytest.approx(0.596, abs=1e-3))
    assert metrics.auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert metrics.auroc([1.0, 1.0], [0, 1]) == 0.5
    assert metrics.ece([0.9, 0.9, 0.9, 0.9], [1, 1, 1, 0]) == pytest.approx(0.15)
    assert metrics.brier([0.0, math.inf]) == 0.125
    assert metrics.effective([1.0, 1.0, 0.0]) == 2
    assert metrics.quantiles([3.0, 1.0, 2.0], 5) == [1.0, 1.5, 2.0, 2.5, 3.0]
