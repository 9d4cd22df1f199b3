"""`touchstone score`: files and tables of rollouts in, the same with rewards out."""
