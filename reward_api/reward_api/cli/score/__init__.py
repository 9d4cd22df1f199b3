"""`touchstone score`: rollouts in, the same rollouts with their rewards out, in order, resumable.

source ──▶ rows ──▶ requests ──▶ run: POST /score ──▶ journal: a line of JSON for each row ──▶ summary
(a file, a table, standard input)                        └─▶ output_table: the table again, with `touchstone_*` columns
"""
