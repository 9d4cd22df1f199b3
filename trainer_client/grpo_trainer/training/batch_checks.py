"""Before a rollout is trained on: are there enough verdicts, and by the same domain as before?"""

from __future__ import annotations

import logging
from collections import Counter

from grpo_trainer.training.collector import RolloutBatch
from grpo_trainer.training.rollout_metrics import failed
from trainer_client.errors import TooManyFailures

_log = logging.getLogger(__name__)


def check_failures(batch: RolloutBatch, max_failed: float, number: int) -> None:
    """Raises TooManyFailures: a few verdicts are no fair sample, and masking the rest would look like healthy training."""
    share = failed(batch)
    if share > max_failed:
        kinds = Counter(kind for group in batch.groups for kind in group.scores.failures if kind)
        raise TooManyFailures(
            f"{share:.0%} of the samples of rollout {number} have no verdict (max_failed: {max_failed:.0%}); causes: "
            + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        )


def note_versions(batch: RolloutBatch, versions: dict[str, str], step: int) -> None:
    """Logs when a domain is another than before: the curves before and after do not measure the same.

    versions: by domain, the digest of what scored its last group; updated in place.
    """
    for group in batch.groups:
        domain, version = group.rollouts[0].prompt.domain, group.scores.version
        if version is None:
            continue
        if versions.get(domain, version) != version:
            _log.warning("step %d: the domain %s has changed, from %s to %s", step, domain, versions[domain], version)
        versions[domain] = version
