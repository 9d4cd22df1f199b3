"""ORS on the wire; its own client is in tests/trainers/test_tools.py."""

import asyncio
import json

import pytest

from reward_tools.calling import Output

TASK = {"env_name": "touchstone", "task_spec": {"prompt": "How many?", "level": 3}}


def read(text):
    """(event, data) of a stream."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(event.removeprefix("event: "), data.removeprefix("data: ")) for event, data in blocks]


def result(reply):
    assert reply.status_code == 200, reply.text
    (first, task_id), *rest = read(reply.text)
    assert first == "task_id"
    assert [event for event, _ in rest] == ["chunk"] * (len(rest) - 1) + ["end"]
    return task_id, json.loads("".join(data for _, data in rest))


@pytest.fixture
async def session(client):
    """Its header."""
    (_, name), end = read((await client.post("/create_session")).text)
    assert end == ("end", "")
    header = {"x-session-id": name}
    assert (await client.post("/create", json=TASK, headers=header)).json() == {"sid": name}
    return header


async def call(client, session, name, **given):
    return await client.post("/touchstone/call", json={"name": name, **given}, headers=session)


async def test_a_result_that_did_not_arrive_is_given_again_and_nothing_runs_twice(client, session, toolbox):
    task_id, first = result(await call(client, session, "calculate", input={"expression": "6 * 7"}))
    assert first["output"]["blocks"] == [{"text": "42", "detail": None, "type": "text"}]
    again = await call(client, session, "calculate", input={"expression": "6 * 7"}, task_id=task_id)
    assert result(again) == (task_id, first)
    assert len(toolbox.sessions.find(session["x-session-id"]).calls) == 1
    unknown = await call(client, session, "calculate", task_id="0" * 32)
    assert read(unknown.text) == [("error", "unknown task_id")]
    other = {"x-session-id": "another"}
    await client.post("/create", json=TASK, headers=other)
    assert read((await call(client, other, "calculate", task_id=task_id)).text) == [("error", "unknown task_id")]


async def test_a_session_that_is_not_there_is_not_begun_by_a_call(client, session, toolbox):
    nobody = {"x-session-id": "nobody"}
    assert (await call(client, nobody, "calculate", input={})).status_code == 404
    assert (await client.post("/ping", headers=nobody)).status_code == 404
    assert toolbox.sessions.find("nobody") is None
    assert (await client.post("/ping", headers=session)).status_code == 200
    await client.post("/delete", headers=session)
    assert (await call(client, session, "calculate", input={})).status_code == 410
    assert (await client.post("/create", json=TASK, headers=session)).status_code == 400


async def test_the_task_is_the_trainers(client, session):
    prompt = await client.get("/touchstone/prompt", headers=session)
    assert prompt.json() == [{"text": "How many?", "detail": None, "type": "text"}]
    for body, status in (({"split": "train", "index": 0}, 400), ({"env_name": "other", "task_spec": {}}, 404)):
        reply = await client.post("/create", json=body, headers={"x-session-id": "new"})
        assert (reply.status_code, bool(reply.json()["detail"])) == (status, True)
    assert (await client.get("/list_environments")).json() == ["touchstone"]
    tools = (await client.get("/touchstone/task_tools")).json()["tools"]
    assert [tool["input_schema"]["required"] for tool in tools][:2] == [["expression"], ["query"]]


async def test_a_call_without_room_is_one_to_send_again(client, session, toolbox):
    with toolbox.admission.enter(toolbox.settings.max_inflight_calls):
        full = await call(client, session, "calculate", input={"expression": "1"})
        assert (full.status_code, "retry-after" in full.headers) == (429, True)
    assert result(await call(client, session, "calculate", input={"expression": "1"}))[1]["ok"] is True
    assert toolbox.sessions.trace(session["x-session-id"]).trouble == ""


@pytest.mark.parametrize("text", [" " * 5000, "é \U0001f600 " * 500, "\\ " * 3000])
async def test_what_a_client_strips_is_not_in_the_text(client, session, toolbox, monkeypatch, text):
    async def written(*_):
        return Output(text)

    monkeypatch.setattr(toolbox, "settings", toolbox.settings.model_copy(update={"max_output_kb": 16}))
    monkeypatch.setattr(toolbox.tools["calculate"], "run", written)
    reply = await call(client, session, "calculate", input={"expression": "1"})
    assert len(read(reply.text)) > 2
    assert not any(data != data.lstrip() for _, data in read(reply.text))
    assert result(reply)[1]["output"]["blocks"][0]["text"] == text


async def test_a_failure_of_ours_is_an_error_and_no_output(client, session, toolbox, monkeypatch):
    async def broken(*_):
        raise OSError("no such\nfile")

    monkeypatch.setattr(toolbox.tools["calculate"], "run", broken)
    (_, _), error = read((await call(client, session, "calculate", input={"expression": "1"})).text)
    assert error == ("error", "the tool failed: OSError: no such file")


async def test_a_long_call_keeps_its_stream_alive(client, session, toolbox, monkeypatch):
    begun = asyncio.Event()

    async def slow(*_):
        await begun.wait()
        raise OSError("late")

    monkeypatch.setattr("reward_tools.wires.ors._BEAT_S", 0.01)
    monkeypatch.setattr(toolbox.tools["calculate"], "run", slow)
    asyncio.get_running_loop().call_later(0.2, begun.set)
    reply = await call(client, session, "calculate", input={"expression": "1"})
    assert reply.text.count(": at work\n\n") > 1
