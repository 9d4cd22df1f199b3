"""Jails: one `run(spec) -> outcome` behind several backends."""
