"""Corpora: from a folder of texts to an index on disk, and the index as `search` and `open` use it."""
