"""The precompiled header of C++: `#include <bits/stdc++.h>` read once, not for every program.

A jail compiles it before the others start, and they see it, read-only, in a folder that is searched first.
"""

from __future__ import annotations

import logging
from pathlib import Path

from reward_sandbox.jail.spec import Jail, Run
from reward_sandbox.languages.table import COMPILE_LIMITS, CPP_FLAGS, LANGUAGES

log = logging.getLogger(__name__)
_HEADER = "bits/stdc++.h"
_NO_COMPILER = 3
_LIMITS = COMPILE_LIMITS.model_copy(update={"wall_s": 300.0})  # however busy the machine is


async def prepare(jail: Jail, folder: Path) -> bool:
    """Write the header of this machine's compiler into `folder`. False when none can be made: compiling is slower then."""
    make = (
        f"test -x {LANGUAGES['cpp'].program} || exit {_NO_COMPILER}; echo '#include <{_HEADER}>' > all.h && "
        f"g++ {CPP_FLAGS} -x c++-header -o all.gch all.h && cat all.gch >&3"
    )
    outcome = await jail.run(Run(("/bin/sh", "-c", make), limits=_LIMITS, artefact=True, artefact_mb=512))
    if outcome.exit_code == _NO_COMPILER:
        return False
    if outcome.ending != "ok" or not outcome.artefact:
        log.warning("no precompiled header", extra={"cause": outcome.ending})
        return False
    target = folder / f"{_HEADER}.gch"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(outcome.artefact)
    except OSError as error:  # half a header would be worse than none
        target.unlink(missing_ok=True)
        log.warning("no precompiled header", extra={"cause": str(error)})
        return False
    target.parent.chmod(0o755)
    target.chmod(0o644)
    return True
