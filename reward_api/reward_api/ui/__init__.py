"""The page: runs, steps, groups and completions with why they got their rewards. At `/ui` of a gateway, and `touchstone ui`.

    mount ──▶ pages (HTML) ──▶ queries of the store        what_if ──▶ the gateway's own Scorer
          └─▶ live (server-sent events)                    labels  ──▶ a file that `touchstone check-labels` runs

Nothing is shown that a reply would not show, and every text is escaped, with its invisible marks made visible.
"""

from importlib.util import find_spec


def is_installed() -> bool:
    """Whether the packages of the extra `ui` are here."""
    return find_spec("jinja2") is not None
