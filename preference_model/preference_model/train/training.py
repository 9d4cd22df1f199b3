"""`touchstone preference train`: a reward model from preference data.

    pairs    Bradley-Terry: -log σ(s_chosen - s_rejected)
    points   binary cross-entropy on the label

A frozen encoder is run once over the texts, and only a head on its features is trained: minutes on a CPU, kilobytes of
weights. `--unfrozen`, or any decoder, trains a sequence classification model of transformers. Either way: weights for
length balance, an optional penalty on the correlation of score and length, negatives made of openers and of answers to
other prompts, early stop on validation prompts, a checkpoint an epoch from which an interrupted run goes on.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from preference_model.model import checkpoint, forward, heads
from preference_model.model.encoding import Encoded, Encoder, turns
from preference_model.model.forward import Batch
from preference_model.openers import MASTER_KEYS, OPENERS
from preference_model.train import balance
from preference_model.train.config import TrainConfig
from preference_model.train.data import LabelledText, PreferencePair

FEATURE_BATCH = 16
NEGATIVE_WEIGHT = 0.3
"""Of a made-up loser beside a judged pair: they are easy, and would drown what is hard."""


class Trainable(Protocol):
    """Scores texts with a gradient."""

    def scores(self, texts: Sequence[int]) -> torch.Tensor:
        """(texts,) for indices into the texts that it was made with."""

    def passes(self, rows: Sequence[int], data: Examples) -> list[list[int]]:
        """The rows of one step as the parts that fit into memory."""

    def parameters(self) -> list[torch.nn.Parameter]: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts, and pairs of (winner, loser) or (text, label) as indices into them, with weights and log lengths."""

    texts: list[tuple[str, str]]
    left: list[int]
    right: list[int]  # losers, or labels
    weight: list[float]
    origin: list[int]  # the record that each comes from
    is_pairs: bool

    @property
    def log_lengths(self) -> torch.Tensor:
        return torch.tensor([len(text) + 1.0 for _, text in self.texts]).log()


def examples(records: Sequence[PreferencePair] | Sequence[LabelledText], config: TrainConfig) -> Examples:
    """Records as indices into texts, each text once; with the negatives that the configuration asks for."""
    texts: dict[tuple[str, str], int] = {}

    def number(prompt: str, text: str) -> int:
        return texts.setdefault((prompt, text), len(texts))

    pairs = [record for record in records if isinstance(record, PreferencePair)]
    if not pairs:
        points = [record for record in records if isinstance(record, LabelledText)]
        left = [number(point.prompt, point.text) for point in points]
        labels = [point.label for point in points]
        return Examples(list(texts), left, labels, [1.0] * len(points), list(range(len(points))), False)
    left = [number(pair.prompt, pair.chosen) for pair in pairs]
    right = [number(pair.prompt, pair.rejected) for pair in pairs]
    weight = balance.weights(pairs) if config.balance_length else [1.0] * len(pairs)
    origin = list(range(len(pairs)))
    for at, winner, loser in _negatives(pairs, config):
        left.append(number(pairs[at].prompt, winner))
        right.append(number(pairs[at].prompt, loser))
        weight.append(NEGATIVE_WEIGHT)
        origin.append(at)
    return Examples(list(texts), left, right, weight, origin, True)


def _negatives(pairs: Sequence[PreferencePair], config: TrainConfig) -> Iterator[tuple[int, str, str]]:
    """(pair, winner, loser): an answer beats an opener that is all there is, and what answers another prompt."""
    chance = random.Random(config.seed)  # noqa: S311
    keys = [*MASTER_KEYS, *OPENERS, ":", ".", ""]
    for _ in range(round(config.negatives * len(pairs))):
        at, other = chance.randrange(len(pairs)), chance.choice(pairs)
        pair = pairs[at]
        answer = chance.choice([pair.chosen, pair.rejected])
        yield at, answer, chance.choice(keys)
        if other.prompt != pair.prompt:
            yield at, answer, chance.choice([other.chosen, other.rejected])


# --- what is trained --------------------------------------------------------------------------------------------------


class FrozenHead:
    """A linear head over features that are computed once."""

    def __init__(self, config: heads.HeadConfig, features: torch.Tensor) -> None:
        self._config, self._features = config, features
        self.weight = torch.nn.Parameter(torch.zeros(1, features.shape[1]))
        self.bias = torch.nn.Parameter(torch.zeros(1))

    def scores(self, texts: Sequence[int]) -> torch.Tensor:
        return (self._features[list(texts)] @ self.weight.T + self.bias).squeeze(1)

    def passes(self, rows: Sequence[int], data: Examples) -> list[list[int]]:
        return [list(rows)]

    def parameters(self) -> list[torch.nn.Parameter]:
        return [self.weight, self.bias]

    def save(self, folder: Path) -> None:
        heads.save(folder, self._config, self.weight.detach(), self.bias.detach())


class WholeModel:
    """A sequence classification model, all of it or its head alone."""

    def __init__(self, model: Any, tokenizer: Any, encoded: Sequence[Encoded], config: TrainConfig) -> None:
        self._model, self._tokenizer, self._encoded = model.to(config.device), tokenizer, encoded
        self._device = torch.device(config.device)
        self._scorer = forward.Classifier(model, config.max_tokens)
        self._config = config
        for parameter in model.base_model.parameters():
            parameter.requires_grad_(not config.frozen)

    def scores(self, texts: Sequence[int]) -> torch.Tensor:
        self._model.train(torch.is_grad_enabled() and not self._config.frozen)  # no dropout while it is measured
        return self._scorer.logits(Batch([self._encoded[at] for at in texts], self._device)).squeeze(1)

    def passes(self, rows: Sequence[int], data: Examples) -> list[list[int]]:
        """By length, so that little is padding, which counts; as they come where a pass must show lengths that differ."""
        parts: list[list[int]] = []
        longest, texts = 0, 2 if data.is_pairs else 1
        for row in rows if self._config.decorrelate else sorted(rows, key=lambda row: self._longest(row, data)):
            longest = max(longest, self._longest(row, data))
            if not parts or longest * texts * (len(parts[-1]) + 1) > self._config.pass_tokens:
                parts.append([])
                longest = self._longest(row, data)
            parts[-1].append(row)
        return parts

    def _longest(self, row: int, data: Examples) -> int:
        texts = [data.left[row], data.right[row]] if data.is_pairs else [data.left[row]]
        return max(len(self._encoded[at].ids) for at in texts)

    def parameters(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self._model.parameters() if parameter.requires_grad]

    def save(self, folder: Path) -> None:
        self._model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)


def prepare(config: TrainConfig, texts: Sequence[tuple[str, str]], tick: Callable[[float], None]) -> Trainable:
    """The model to train, its texts tokenized (and run, where it is frozen). `tick` is told the share that is done."""
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()  # that the head is new is no news
    where = heads.encoder_path(config.backbone)
    tokenizer = AutoTokenizer.from_pretrained(where)
    is_head = config.frozen and _is_encoder(AutoConfig.from_pretrained(where))
    features = config.features or "pair"
    answer_only = is_head and features == "answer"
    encoder = Encoder(tokenizer, None, config.max_tokens, "middle", answer_only=answer_only)
    encoded = [encoder.encode(turns(prompt, text)).windows[0] for prompt, text in texts]
    if not is_head:
        torch.manual_seed(config.seed)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            where, num_labels=1, dtype=torch.float32, output_loading_info=True
        )
        checkpoint.check_backbone(info)
        model.config.pad_token_id = tokenizer.pad_token_id
        return WholeModel(model, tokenizer, encoded, config)
    model, info = AutoModel.from_pretrained(where, dtype=torch.float32, output_loading_info=True)
    checkpoint.check_backbone(info)
    model = model.to(config.device)
    about = heads.HeadConfig(encoder=config.backbone, features=features, max_tokens=config.max_tokens)
    nothing = torch.zeros(1, heads.width(features, model.config.hidden_size))
    frozen = heads.HeadModel(model, about, nothing, torch.zeros(1))
    return FrozenHead(about, featurised(frozen, encoded, torch.device(config.device), tick))


def _is_encoder(config: Any) -> bool:
    """Whether a model reads both ways, so that the mean over its tokens says something."""
    return not getattr(config, "is_decoder", False) and getattr(config, "type_vocab_size", None) is not None


@torch.no_grad()
def featurised(
    model: heads.HeadModel, encoded: Sequence[Encoded], device: torch.device, tick: Callable[[float], None]
) -> torch.Tensor:
    """Features of every text, by batches of like length: (texts, width) on the CPU."""
    order = sorted(range(len(encoded)), key=lambda at: len(encoded[at].ids))
    rows: dict[int, torch.Tensor] = {}
    for start in range(0, len(order), FEATURE_BATCH):
        part = order[start : start + FEATURE_BATCH]
        features = model.features(Batch([encoded[at] for at in part], device)).cpu()
        rows |= dict(zip(part, features, strict=True))
        tick((start + len(part)) / len(order))
    return torch.stack([rows[at] for at in range(len(encoded))])


# --- the loop ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """After an epoch."""

    epoch: int
    train_loss: float
    validation_loss: float
    is_best: bool


def loss_of(model: Trainable, data: Examples, rows: Sequence[int], decorrelate: float) -> torch.Tensor:
    """The mean loss of some examples, weighted."""
    weight = torch.tensor([data.weight[row] for row in rows])
    left = [data.left[row] for row in rows]
    scores = model.scores([*left, *(data.right[row] for row in rows)] if data.is_pairs else left)
    if data.is_pairs:
        won, lost = scores.chunk(2)
        each = -logsigmoid(won - lost)
    else:
        labels = torch.tensor([float(data.right[row]) for row in rows], device=scores.device)
        each = binary_cross_entropy_with_logits(scores, labels, reduction="none")
    weight = weight.to(each.device)
    loss: torch.Tensor = (each * weight).sum() / weight.sum().clamp(min=1e-9)
    if decorrelate:
        texts = [*left, *(data.right[row] for row in rows)] if data.is_pairs else left
        loss = loss + decorrelate * correlation(scores, data.log_lengths[texts].to(scores.device)) ** 2
    return loss


def correlation(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Pearson's, 0 where either does not vary."""
    one, other = one - one.mean(), other - other.mean()
    value: torch.Tensor = (one * other).sum() / (one.norm() * other.norm()).clamp(min=1e-9)
    return value


def fit(
    model: Trainable,
    data: Examples,
    validation: Sequence[int],
    config: TrainConfig,
    output: Path,
    on_epoch: Callable[[Progress], None],
) -> Progress:
    """Train until the epochs are over or the validation loss has not fallen for `patience` of them; the best is saved.

    A checkpoint an epoch lies in `output`; with the same configuration and data, a run goes on from it.
    """
    held = set(validation)
    rows = [row for row in range(len(data.left)) if row not in held and data.weight[row] > 0]
    parameters = model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay)
    checkpoint = output / "checkpoint.pt"
    key = json.dumps([config.model_dump(), len(data.texts), len(rows), len(held)])
    first, best, waited = _resume(checkpoint, key, parameters, optimizer)
    for epoch in range(first, config.epochs):
        if waited >= config.patience:
            break
        order = rows[:]
        random.Random(f"{config.seed} {epoch}").shuffle(order)  # noqa: S311
        losses = [
            _step(model, data, order[at : at + config.batch], config, optimizer)
            for at in range(0, len(order), config.batch)
        ]
        with torch.no_grad():
            value = _validation_loss(model, data, validation)
        now = Progress(epoch, sum(losses) / len(losses), value, best is None or value < best.validation_loss)
        waited = 0 if now.is_best else waited + 1
        if now.is_best:
            best = now
            model.save(output)
        state = {"key": key, "parameters": [p.detach() for p in parameters], "optimizer": optimizer.state_dict()}
        torch.save(copy.copy(state) | {"epoch": epoch, "best": _plain(best), "waited": waited}, checkpoint)
        on_epoch(now)
    checkpoint.unlink(missing_ok=True)
    assert best is not None  # noqa: S101
    return best


def _step(model: Trainable, data: Examples, rows: Sequence[int], config: TrainConfig, optimizer: Any) -> float:
    """One step over the rows, in as many passes as memory asks for; the loss."""
    optimizer.zero_grad()
    value, whole = 0.0, _weight(data, rows)
    for part in model.passes(rows, data):
        loss = loss_of(model, data, part, config.decorrelate) * (_weight(data, part) / whole)
        loss.backward()  # type: ignore[no-untyped-call]
        value += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if value != value:  # NaN
        raise ValueError("the loss is not a number: lower --lr")
    return value


def _validation_loss(model: Trainable, data: Examples, rows: Sequence[int]) -> float:
    """Weighted as the training is: over rows that count."""
    counting = [row for row in rows if data.weight[row] > 0]
    parts = model.passes(counting, data) if counting else []
    total = sum(loss_of(model, data, part, 0.0).item() * _weight(data, part) for part in parts)
    return total / max(_weight(data, counting), 1e-9)


def _weight(data: Examples, rows: Sequence[int]) -> float:
    return sum(data.weight[row] for row in rows)


def _plain(progress: Progress | None) -> list[Any]:
    assert progress is not None  # noqa: S101
    return [progress.epoch, progress.train_loss, progress.validation_loss, progress.is_best]


def _resume(
    checkpoint: Path, key: str, parameters: Sequence[torch.nn.Parameter], optimizer: Any
) -> tuple[int, Progress | None, int]:
    """(first epoch, best so far, epochs without a better one)."""
    if not checkpoint.exists():
        return 0, None, 0
    state = torch.load(checkpoint, weights_only=True)
    if state["key"] != key:
        return 0, None, 0
    with torch.no_grad():
        for parameter, value in zip(parameters, state["parameters"], strict=True):
            parameter.copy_(value)
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"] + 1, Progress(*state["best"]), state["waited"]
