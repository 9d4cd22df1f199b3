"""One call of the solution: its arguments on standard input, its result on descriptor 3. No expected value is here, ever."""

from __future__ import annotations

import json
import sys

from touchstone_codec import as_plain, decode, encode
from touchstone_submission import entry_of, load, send


def main() -> None:
    with open(0, "rb", closefd=False) as stream:
        call = json.loads(stream.read())
    target = entry_of(load(), call["entry"])
    arguments = {key: decode(item) for key, item in call["kwargs"].items()}
    result = target(*map(decode, call["args"]), **arguments)
    if hasattr(result, "__next__"):
        result = list(result)
    text = json.dumps(encode(result, 0, as_plain)).encode()
    sys.stdout.flush()
    send(3, text)


main()
