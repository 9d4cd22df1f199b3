"""`touchstone report RUN/`: one HTML page about a run, which needs nothing but itself.

history   what a run folder holds, read back
charts    its curves, as SVG by matplotlib
page      both in one page, beside the article's claims
"""

from grpo_trainer.report.history import NoRun, RunHistory, read_history
from grpo_trainer.report.page import page

__all__ = ["NoRun", "RunHistory", "page", "read_history"]
