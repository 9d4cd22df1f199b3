"""`python`: variables stay, sessions are apart, limits hold, and hostile cells end nothing but their own interpreter."""

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from reward_sandbox.jail.backends.session_fork_server import SessionForkServer
from reward_sandbox.jail.host.interactive import Interactive
from reward_sandbox.jail.spec import Limits
from reward_sandbox.settings import SandboxSettings
from reward_tools.settings import ToolsSettings
from reward_tools.toolbox import Toolbox
from reward_tools.tools.python import Python
from trainer_client.tools_client import ToolsClient

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


@pytest.mark.parametrize("code", ["print(", "return 5", "x = 1\nbreak", "del f()", "x = 1\n(yield)", "\0"])
async def test_what_is_no_python_is_the_models_mistake(toolbox, code):
    call = await run(toolbox, code)
    assert (call.outcome, call.cause) == ("refused", "argument")
    assert "Error" in call.output
    assert (await run(toolbox, "'x' in globals()")).output == "False\n", "nothing of it was run"


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


# --- room for interpreters --------------------------------------------------------------------------------------------


@pytest.fixture
def small(serve):
    """A service with room for two interpreters."""
    with serve("tools", TOUCHSTONE_TOOLS_MAX_INTERPRETERS="2") as (url, _):
        yield url


def cell(url, session, code):
    return httpx.post(
        f"{url}/call", json={"session": session, "name": "python", "arguments": {"code": code}}, timeout=60
    )


@pytest.mark.slow
def test_one_interpreter_more_than_there_is_room_for_is_turned_away_and_told_when_to_come_again(small):
    for name in ("a", "b"):
        assert cell(small, name, f"kept = {name!r}").json()["outcome"] == "ok"
    away = cell(small, "c", "1")
    assert away.status_code == 429
    assert away.json()["detail"].startswith("There is no room for more Python interpreters: the limit is 2. Try")
    assert int(away.headers["retry-after"]) >= 1
    other = {"session": "c", "name": "calculate", "arguments": {"expression": "6*7"}}
    assert httpx.post(f"{small}/call", json=other).json()["output"] == "42", "other tools have room"
    assert "did not come again" in httpx.get(f"{small}/sessions/c").json()["trouble"]
    for name in ("a", "b"):
        assert cell(small, name, "kept").json()["output"] == f"{name!r}\n", "no idle interpreter was ended for room"
    httpx.delete(f"{small}/sessions/a")
    while (again := cell(small, "c", "1")).status_code == 429:
        time.sleep(0.02)
    assert (again.json()["output"], httpx.get(f"{small}/sessions/c").json()["trouble"]) == ("1\n", "")
    assert 'reward_tools_turned_away_total{what="interpreter"}' in httpx.get(f"{small}/metrics").text


@pytest.mark.slow
def test_more_episodes_than_interpreters_are_all_done_and_none_is_lost(small):
    """Each waits until another one has ended, as the trainer's and the adapters' client does by itself."""
    client = ToolsClient(small)

    def episode(number):
        name = f"e{number}"
        outputs = [client.call(name, "python", {"code": code}, begin=True) for code in (f"n = {number}", "n + 1")]
        trace = httpx.get(f"{small}/sessions/{name}").json()
        client.end(name)
        return [reply.output for reply in outputs], [call["outcome"] for call in trace["calls"]], trace["trouble"]

    with ThreadPoolExecutor(12) as threads:
        made = list(threads.map(episode, range(12)))
    client.close()
    assert made == [(["", f"{number + 1}\n"], ["ok", "ok"], "") for number in range(12)]


def test_the_limit_on_open_files_is_part_of_the_room():
    script = (
        "import asyncio, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000))\n"
        "from reward_tools.settings import ToolsSettings\nfrom reward_tools.tools.python import Python\n"
        "async def main():\n    tool = Python(ToolsSettings(max_interpreters=4000))\n    assert not await tool.ready()\n"
        "    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], tool.interpreters.limit)\n    await tool.aclose()\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1000", "62"], done.stderr


# --- the battery: many hostile programs in a row, in one session ------------------------------------------------------

TIGHT = Limits(memory_mb=96, processes=8, output_kb=64, file_mb=8, files=200)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tier", ["A", pytest.param("B", marks=pytest.mark.long), pytest.param("C", marks=pytest.mark.long)]
)
async def test_the_battery_as_cells_of_one_session(tier):
    """An interpreter that a cell ends is made again; a second session beside it keeps its variable to the end."""
    server = SessionForkServer(
        tier, sys.executable, preload=["ast", "linecache", "traceback", "json", "io", "contextlib"]
    )
    await server.start()
    limits = TIGHT.model_copy(update={"wall_s": 600.0, "cpu_s": 300.0})
    neighbour, session = Interactive(server.slot(), limits), Interactive(server.slot(), limits)
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
                session = Interactive(server.slot(), limits)
                ended += 1
            after = await session.cell("1 + 1", 20, 1000)
            if after.ending == "gone":  # a thread or a child of the last cell had not ended with it
                await session.aclose()
                session = Interactive(server.slot(), limits)
                after = await session.cell("1 + 1", 20, 1000)
            if b"2\n" not in after.output:  # it has broken its own interpreter, and nothing else
                await session.aclose()
                session = Interactive(server.slot(), limits)
                after = await session.cell("1 + 1", 20, 1000)
            assert b"2\n" in after.output, (name, after)
        assert ended > 5
        assert (await neighbour.cell("kept + 1", 20, 1000)).output == b"42\n"
    finally:
        await session.aclose()
        await neighbour.aclose()
        await server.aclose()


async def test_a_session_holds_no_descriptor_but_its_own_way_in(toolbox):
    code = (
        "import os, stat\nheld = []\nfor fd in range(3, 1024):\n    try: held.append(stat.S_ISFIFO(os.fstat(fd).st_mode))\n"
        "    except OSError: pass\nheld"
    )
    assert (await run(toolbox, code)).output == "[True]\n"
