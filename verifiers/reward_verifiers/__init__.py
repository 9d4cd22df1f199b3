"""Verifiers: the ground floor of Touchstone. Nothing is imported here, so that each service loads only what it uses."""
