"""Spans: request, group, component, the call of a service and the request there, in one trace; and a line for each null."""

import logging

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.gateway.remote import Remote
from reward_api.settings import GatewaySettings
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.service import app as service
from reward_verifiers.service import tracing

URL = "http://toy:1"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


@pytest.fixture
async def client(tmp_path):
    (tmp_path / "f.yaml").write_text(f"verifiers: {{toy: {{url: '{URL}'}}}}\ncomponents: [{{verifier: toy}}]\n")
    pool = pool_for(["toys:Toy"], size=1)
    await pool.start()
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))
    there = httpx.ASGITransport(service.create_app(Local("toys:Toy", pool)))
    gateway.backends._backends["toy", URL] = Remote(URL, transport=there)
    transport = httpx.ASGITransport(create_app(gateway))
    async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
    await pool.aclose()


async def test_a_group_is_one_trace_through_both_processes(client, spans):
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await client.post("/score/f", json={"completions": ["yes"], "reference": "yes"}, headers=headers)
    done = [span for span in spans.get_finished_spans() if f"{span.context.trace_id:032x}" == TRACE]
    by_id = {span.context.span_id: span for span in done}
    [inner] = [span for span in done if span.parent and span.parent.span_id in by_id and not children(span, done)]
    chain = [inner.name]
    while (parent := by_id.get(inner.parent.span_id)) is not None:
        chain.append(parent.name)
        inner = parent
    assert chain == ["POST request", "call", "component", "group", "POST request"]
    assert f"{inner.parent.span_id:016x}" == "b7ad6b7169203331"


def children(span, spans):
    return [one for one in spans if one.parent and one.parent.span_id == span.context.span_id]


def test_without_an_endpoint_no_spans_are_made(monkeypatch):
    monkeypatch.delenv(tracing.ENDPOINT, raising=False)
    tracing.start("test")
    assert tracing.traceparent() == ""
    with tracing.span("group") as span:
        assert span is None


async def test_a_group_with_a_null_leaves_one_line_with_its_cause(client, caplog):
    with caplog.at_level(logging.WARNING, logger="reward_api.gateway.scoring"):
        group = {"completions": ["yes", "crash", "crash"], "reference": "yes", "id": "g7", "run": "r", "step": 3}
        await client.post("/score/f", json=group)
        await client.post("/score/f", json=group | {"completions": ["yes", "no"]})
    [line] = [record for record in caplog.records if record.message == "group without some rewards"]
    assert (line.domain, line.run, line.step, line.group, line.nulls, line.samples) == ("f", "r", 3, "g7", 2, 3)
    assert [cause.split(":")[:2] for cause in line.causes] == [["toy", " worker_crashed"]]
