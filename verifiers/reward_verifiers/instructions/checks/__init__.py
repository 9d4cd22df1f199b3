"""The checks, by source. To import this package is to fill the table of kinds."""

from reward_verifiers.instructions.checks import ifbench, ifbench_format, ifeval, ifevalg, more, rlvr

__all__ = ["ifbench", "ifbench_format", "ifeval", "ifevalg", "more", "rlvr"]
