"""Languages: the table of them, and their compilers."""
