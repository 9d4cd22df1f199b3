"""Our side of a jail: slots, control groups, captured output, probes."""
