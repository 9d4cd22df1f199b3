"""Watches the rewards of a training run for reward hacking.

    scored group ── record (observation, features) ──▶ stream ── evidence, shape ──▶ alarms ──▶ OK · WATCH · SUSPECT · …
    re-grades    ───────────────────────────────────────▲

Evidence is a second verdict on the same completion: it accuses. A statistic about the shape of completions and rewards only
points: it reaches SUSPECT at most, and has more completions graded again. See docs/monitor.md.
"""
