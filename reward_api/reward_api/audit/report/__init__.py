"""An audit's result as JSON (which --verify-fix reads again), SARIF, an HTML page, and a table on the terminal."""
