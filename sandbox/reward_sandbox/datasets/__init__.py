"""Rows of public data sets, read as references: a module a family, and one table of them."""
