"""Where in a completion the final answer stands."""
