"""A Parquet file of rollouts, and what `touchstone score` makes of it.

pip install '.[gateway,answer,format,language,tables]'
python examples/score_parquet.py write rollouts.parquet
touchstone score rollouts.parquet --domain math -o scored.parquet
python examples/score_parquet.py read scored.parquet

The last two printed

    ┃            ┃ scored ┃ mean   ┃ pass rate ┃ no verdict      ┃
    │ answer     │ 5      │ 0.6000 │ 60.00%    │ 1 bad_reference │
    │ format     │ 6      │ 0.1667 │ 16.67%    │ none            │
    │ language   │ 6      │ 0.1667 │ 16.67%    │ none            │
    │ reflection │ 6      │ 0.0000 │ 0.00%     │ none            │
    │ reward     │ 5      │ 1.0000 │           │ 1 bad_reference │

    3 [3.0, 1.0, 0.0] [None, None, None] [1.0, 1.0, 0.0]
    1 [1.0, 0.0] [None, None] [1.0, 0.0]
    5 [None] ['bad_reference'] [None]
"""

import sys

import pyarrow as pa
from pyarrow import parquet

THOUGHT = "<think>The common denominator is six, so we have three sixths and two sixths.</think>"
ROLLOUTS = {
    "prompt": ["What is 1/2 + 1/3?", "What is 2 + 2?", "What is this?"],
    "completions": [[f"{THOUGHT}<answer>5/6</answer>", "It is 5/6.", "It is 2/5."], ["4", "5"], ["It is x."]],
    "answer": ["5/6", "4", r"\begin{"],
    "level": [3, 1, 5],
}


def main(what: str, path: str) -> None:
    if what == "write":
        parquet.write_table(pa.table(ROLLOUTS), path)
        return
    for row in parquet.read_table(path).to_pylist():
        print(
            row["level"], row["touchstone_rewards"], row["touchstone_failures"], row["touchstone_components"]["answer"]
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
