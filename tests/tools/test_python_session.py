"""`python`: variables stay, sessions are apart, limits hold, and hostile cells end nothing but their own interpreter."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from reward_sandbox.jail.backends.nursery import Nursery
from reward_sandbox.jail.host.interactive import Interactive
from reward_sandbox.jail.spec import Limits
from reward_sandbox.settings import SandboxSettings
from reward_tools.settings import ToolsSettings
from reward_tools.toolbox import Toolbox
from reward_tools.tools.python import Python

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import battery

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux")


async def run(toolbox, code, session="a"):
    return (await toolbox.call(session, "python", {"code": code}))[1]


async def test_variables_stay_and_the_last_expression_is_printed(toolbox):
    assert (await run(toolbox, "import math\nx = 3\ndef f(n): return n * x")).output == ""
    assert (await run(toolbox, "f(14)")).output == "42\n"
    assert (await run(toolbox, "print('é', end='')\nimport sys; sys.stderr.write('!')\nNone")).output == "é!"
    raised = await run(toolbox, "def g():\n    return 1 / 0\ng()")
    assert (raised.outcome, raised.raised) == ("ok", True)
    assert raised.output.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "return 1 / 0" in raised.output
    assert "session.py" not in raised.output
    assert (await run(toolbox, "x")).output == "3\n"
    assert (await run(toolbox, "import sys; sys.exit('bye')")).output == "bye\n"
    assert (await run(toolbox, "x")).output == "3\n"


async def test_what_is_no_python_is_the_models_mistake(toolbox):
    call = await run(toolbox, "print(")
    assert (call.outcome, call.cause) == ("refused", "argument")
    assert "SyntaxError" in call.output


async def test_two_sessions_see_nothing_of_each_other(toolbox):
    look = (
        "import os, sys\nseen = [os.listdir('/box'), os.listdir('/tmp'), 'mark' in globals(), hasattr(sys, 'mark')]\n"
        "try: seen.append(os.kill(1, 0))\nexcept OSError as e: seen.append(type(e).__name__)\nseen"
    )
    await run(toolbox, "open('secret', 'w').write('x'); open('/tmp/secret', 'w').write('x')", "a")
    await run(toolbox, "import sys; mark = sys.mark = 1", "a")
    seen = (await run(toolbox, look, "b")).output
    assert "secret" not in seen
    assert "False, False" in seen
    # Their processes are apart, too: each has its own numbers, and neither is the other's.
    await run(toolbox, "import subprocess; child = subprocess.Popen(['sleep', '100'])", "a")
    others = (
        "import os\nalive = []\nfor n in range(2, 4000):\n    try: os.kill(n, 0); alive.append(n)\n"
        "    except OSError: pass\n"
    )
    assert (await run(toolbox, others + "alive == [os.getpid()]", "b")).output == "True\n"


async def test_a_session_that_ends_itself_begins_again_and_says_so(toolbox):
    await run(toolbox, "x = 1")
    gone = await run(toolbox, "import os; print('before', flush=True); os._exit(3)")
    assert (gone.outcome, gone.cause) == ("refused", "argument")
    assert "before" in gone.output
    assert "exit code 3" in gone.output
    again = await run(toolbox, "'x' in globals()")
    assert again.output.splitlines() == [
        "[this is a new interpreter: the variables of earlier calls are gone]",
        "False",
    ]


@pytest.mark.slow
async def test_time_memory_and_output_have_limits(toolbox):
    late = await run(toolbox, "while True: pass")
    assert late.outcome == "refused" or "too busy" in late.cause  # the second: on a machine that gave it no time
    memory = await run(toolbox, "x = []\nwhile True: x.append(bytearray(1 << 20))")
    assert memory.outcome == "refused" or memory.raised
    long = await run(toolbox, "print('é' * 100_000)")
    assert long.outcome == "ok"
    assert long.output.startswith("éé") or "new interpreter" in long.output
    assert long.output.endswith("bytes are left out]")
    assert len(long.output.encode()) < 1100
    assert long.bytes > 199_000
    assert (await run(toolbox, "1")).output == "1\n"


@pytest.mark.slow
async def test_processor_time_is_counted_over_all_interpreters_of_a_session():
    toolbox = Toolbox(ToolsSettings(call_s=20, python_cpu_s=1))
    async with toolbox.running():
        burn = "import time, os\nend = time.process_time() + 0.7\nwhile time.process_time() < end: pass\nos._exit(0)"
        first = await run(toolbox, burn)
        assert "exit code 0" in first.output
        second = await run(toolbox, burn)
        assert (second.outcome, second.cause) == ("refused", "budget")
        third = await run(toolbox, "1")
        assert (third.outcome, third.cause) == ("refused", "budget")
        assert "processor time" in third.output
        assert (await run(toolbox, "1", "other")).output == "1\n"


async def test_a_session_that_ends_takes_its_processes_along(toolbox):
    begun = await run(toolbox, "import subprocess; p = subprocess.Popen(['sleep', '987654'])")
    assert (begun.outcome, begun.raised) == ("ok", False), begun
    await _until(_sleepers)
    toolbox.sessions.end("a")
    await asyncio.gather(*toolbox.sessions._closing)
    await _until(lambda: not _sleepers())  # the kernel ends what was in its namespace
    ended = await run(toolbox, "1")
    assert (ended.outcome, ended.cause) == ("refused", "budget")


async def _until(holds):
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)


def _sleepers():
    sleepers = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"987654" in (folder / "cmdline").read_bytes():
                sleepers.append(folder)
        except OSError:
            continue
    return sleepers


async def test_the_service_ends_with_its_sessions_and_without_an_error(caplog):
    toolbox = Toolbox(ToolsSettings())
    async with toolbox.running():
        made = await asyncio.gather(*(run(toolbox, "x = 1", f"s{number}") for number in range(8)))
        assert {call.outcome for call in made} == {"ok"}
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_where_no_jail_can_be_made_the_call_failed_by_our_doing():
    toolbox = Toolbox(ToolsSettings())
    toolbox.python = toolbox.tools["python"] = Python(toolbox.settings, SandboxSettings(backend="bwrap"))
    async with toolbox.running():
        call = await run(toolbox, "1")
        assert call.outcome == "failed"
        assert "TOUCHSTONE_SANDBOX_BACKEND" in call.cause
        assert "python" not in str(await toolbox.schemas())
        assert toolbox.sessions.trace("a").failure().startswith("tools: call 1, of python, failed")


async def test_a_cancelled_call_is_marked_and_ends_its_interpreter(toolbox):
    await run(toolbox, "x = 1")
    task = asyncio.create_task(run(toolbox, "open('/box/begun', 'w').close()\nwhile True: pass"))
    while not toolbox.python.at_work:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "the caller left" in toolbox.sessions.trace("a").failure()
    assert "new interpreter" in (await run(toolbox, "'x' in globals()")).output


# --- the battery: many hostile programs in a row, in one session ------------------------------------------------------

TIGHT = Limits(memory_mb=96, processes=8, output_kb=64, file_mb=8, files=200)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tier", ["A", pytest.param("B", marks=pytest.mark.long), pytest.param("C", marks=pytest.mark.long)]
)
async def test_the_battery_as_cells_of_one_session(tier):
    """An interpreter that a cell ends is made again; a second session beside it keeps its variable to the end."""
    nursery = Nursery(tier, sys.executable, preload=["ast", "linecache", "traceback", "json", "io", "contextlib"])
    await nursery.start()
    limits = TIGHT.model_copy(update={"wall_s": 600.0, "cpu_s": 300.0})
    neighbour, session = Interactive(nursery.slot(), limits), Interactive(nursery.slot(), limits)
    try:
        await neighbour.cell("kept = 41", 20, 1000)
        ended = 0
        for name, hostile in battery.ALL.items():
            if name == "inherited descriptors":  # the session's own way in is one: see below
                continue
            cell = await session.cell(hostile.code, 1.0, 4096)
            assert b"ESCAPED" not in cell.output.splitlines(), (name, cell)  # a traceback shows the source
            if cell.ending in ("late", "flood", "gone"):
                assert cell.outcome is None or cell.outcome.ending != "system_error", (name, cell)
                await session.aclose()
                session = Interactive(nursery.slot(), limits)
                ended += 1
            after = await session.cell("1 + 1", 20, 1000)
            if after.ending == "gone":  # a thread or a child of the last cell had not ended with it
                await session.aclose()
                session = Interactive(nursery.slot(), limits)
                after = await session.cell("1 + 1", 20, 1000)
            if b"2\n" not in after.output:  # it has broken its own interpreter, and nothing else
                await session.aclose()
                session = Interactive(nursery.slot(), limits)
                after = await session.cell("1 + 1", 20, 1000)
            assert b"2\n" in after.output, (name, after)
        assert ended > 5
        assert (await neighbour.cell("kept + 1", 20, 1000)).output == b"42\n"
    finally:
        await session.aclose()
        await neighbour.aclose()
        await nursery.aclose()


async def test_a_session_holds_no_descriptor_but_its_own_way_in(toolbox):
    code = (
        "import os, stat\nheld = []\nfor fd in range(3, 1024):\n    try: held.append(stat.S_ISFIFO(os.fstat(fd).st_mode))\n"
        "    except OSError: pass\nheld"
    )
    assert (await run(toolbox, code)).output == "[True]\n"
