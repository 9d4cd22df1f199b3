"""`touchstone train report RUN/`: one HTML page about a run, which needs nothing but itself.

history   what a run folder holds, read back
charts    its curves, as SVG by matplotlib
examples  completions that a reader should see
page      all of it on one page, beside the article's claims
comparison  several runs on one page, seeds in a band
"""

from grpo_trainer.report.comparison import comparison
from grpo_trainer.report.history import NoRun, RunHistory, read_history
from grpo_trainer.report.page import page

__all__ = ["NoRun", "RunHistory", "comparison", "page", "read_history"]
