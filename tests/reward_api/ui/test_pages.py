"""The page through the real app: what it shows, what it never shows, and who may see it."""

import asyncio
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import httpx
import pytest
from toy_gateway import ELSEWHERE, TOY, write_domains

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings
from reward_api.store.filters import Filter
from reward_api.store.queries import Queries
from reward_api.store.reader import Reader
from reward_api.ui.labels import read_labels
from reward_api.ui.pages import router
from reward_api.ui.templates import STATIC

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>'\""
BIDI = "pay \u202eme\u2066 now\x1b[31m\u200b"
LONG = "head " + "x" * 1_000_000 + " tail"
GROUPS = [
    {"completions": ["yes", "no", "crash"], "id": "q1", "step": 1},
    {"completions": ["yes", "yes"], "id": "q2", "step": 2},
    {"completions": [SCRIPT, BIDI, LONG], "id": SCRIPT, "step": 2, "prompt": SCRIPT + BIDI},
]
HTMX = {"hx-request": "true", "content-type": "application/x-www-form-urlencoded"}


class World:
    """One gateway with a store, for all tests of this file."""

    def __init__(self, settings, app, client):
        self.settings = settings
        self.app = app
        self.client = client
        self.queries = Queries(Reader(settings.store))

    def sample(self, text):
        where = Filter(run=SCRIPT)
        return next(one for one in self.queries.samples(where, 50) if one.preview.startswith(text[:100]))

    async def post(self, path, **fields):
        return await self.client.post(path, data=fields, headers=HTMX)


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    folder = write_domains(tmp_path_factory.mktemp("domains"), {"toy": TOY})
    store, audits = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("audits")
    (audits / "half.json").write_text('{"verdict": "HOLES", "domain": "toy"}')
    (audits / "rows.json").write_text("[]")
    settings = GatewaySettings(
        domains=folder,
        workers=1,
        verifier_urls=ELSEWHERE,
        store=store,
        score_keys="scorer",
        admin_keys="admin",
        audits=audits,
    )
    gateway = Gateway(settings)
    app = create_app(gateway)
    transport = httpx.ASGITransport(app)
    async with (
        gateway.running(),
        httpx.AsyncClient(transport=transport, base_url="https://gateway", timeout=60) as client,
    ):
        key = {"authorization": "Bearer scorer"}
        for group in GROUPS:
            body = {"prompt": "say it", "reference": {"answer": "yes"}, "run": SCRIPT, **group}
            assert (await client.post("/score/toy", json=body, headers=key)).status_code == 200
        while gateway.store.outcomes["written"] < len(GROUPS):
            await asyncio.sleep(0.01)
        login = await client.post("/ui/login", data={"key": "scorer", "next": "/ui"})
        assert login.status_code == 303
        yield World(settings, app, client)


# --- who may see it ---------------------------------------------------------------------------------------------------


def paths(**values):
    """Every GET of the page, with its parameters filled in."""
    for route in router.routes:
        if "GET" in route.methods and "static" not in route.path and "login" not in route.path:
            yield re.sub(r"\{(\w+)(:path)?\}", lambda match: str(values.get(match[1], "1")), route.path)


async def test_without_a_session_every_page_leads_to_the_form(world):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="https://gateway") as stranger:
        for path in paths():
            reply = await stranger.get(path)
            assert (reply.status_code, reply.headers["location"].partition("?")[0]) == (303, "/ui/login"), path
        for path in ("/ui/what-if/1", "/ui/label/1", "/ui/play", "/ui/logout"):
            assert (await stranger.post(path, headers=HTMX)).status_code == 401
        for path in ("/uix", "/ui/static/../run", "/ui/static/%2e%2e/run"):
            assert (await stranger.get(path)).status_code in (303, 401, 404), path


async def test_a_session_opens_the_page_and_nothing_else(world):
    assert (await world.client.get("/ui")).status_code == 200
    assert (await world.client.get("/domains")).status_code == 401
    body = {"completions": ["yes"], "reference": {"answer": "yes"}}
    assert (await world.client.post("/score/toy", json=body)).status_code == 401


async def test_the_key_is_in_no_cookie_and_no_address(world):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="https://gateway") as client:
        reply = await client.post("/ui/login", data={"key": "admin", "next": "/ui/run?run=a"})
        cookie = reply.headers["set-cookie"]
        assert "admin" not in cookie
        assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/ui"} <= {part.strip() for part in cookie.split(";")}
        assert reply.headers["location"] == "/ui/run?run=a"
        refused = await client.post("/ui/login", data={"key": "wrong", "next": "/ui"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("target", ["https://evil", "//evil", "/ui\\evil", "/uievil", "/\\evil", "/ui\r\nx: y", ""])
async def test_the_form_leads_nowhere_else(world, target):
    reply = await world.client.post("/ui/login", data={"key": "scorer", "next": target})
    assert reply.headers["location"] == "/ui"


@pytest.mark.parametrize("cookie", ["", "x", "9999999999.", "9999999999.00", "١.x", "-1.x", "9" * 5000 + ".x"])
async def test_a_made_up_session_is_none(world, cookie):
    keys = world.app.state.keys
    assert keys.is_session(keys.session("scorer"))
    assert not keys.is_session(cookie)
    end, _, signature = keys.session("scorer").partition(".")
    assert not keys.is_session(f"{int(end) + 1}.{signature}")
    assert keys.session("wrong") is None


async def test_a_form_of_another_site_does_nothing(world):
    sample = world.sample("yes")
    fields = {"label": "paid wrongly", "component": "toy", "reference": "yes"}
    for path in (f"/ui/label/{sample.id}", f"/ui/what-if/{sample.id}", "/ui/play"):
        assert (await world.client.post(path, data=fields)).status_code == 403
    assert not (world.settings.store / "labels.jsonl").exists()


class _Parts(HTMLParser):
    """Collects what a browser would run, or take for style, that is not a file of ours."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_starttag(self, tag, attrs):
        names = {name for name, _ in attrs if name.startswith("on") or name in ("style", "srcdoc")}
        source = dict(attrs).get("src") or ""
        is_foreign = tag in ("style", "iframe", "object", "base")
        is_foreign = is_foreign or (tag in ("script", "img") and not source.startswith("/ui/static/"))
        is_link = any(
            (value or "").strip().lower().startswith("javascript:") for name, value in attrs if name == "href"
        )
        if names or is_foreign or is_link:
            self.parts.append((tag, attrs))


def active_parts(text):
    parser = _Parts()
    parser.feed(text)
    return parser.parts


# --- what it shows ----------------------------------------------------------------------------------------------------


async def test_every_page_has_its_policy_and_no_text_is_markup(world):
    sample, long = world.sample(SCRIPT), world.sample("head")
    values = {"number": sample.id}
    where = Filter(run=SCRIPT).query()
    group = f"/ui/group/{sample.group}"
    others = [
        f"/ui/run?{where}",
        f"/ui/run?{where}&step=2",
        f"/ui/figures?{where}",
        f"/ui/run?{where}&text=%3Cscript",
        group,
    ]
    for path in [*paths(**values), *others, f"/ui/sample/{long.id}", f"/ui/sample/{long.id}/text"]:
        if path.endswith("/live"):
            continue
        reply = await world.client.get(path)
        assert "<script>alert" not in reply.text, path
        assert "<img src=x" not in reply.text, path
        assert not set("\u202e\u2066\x1b\u200b") & set(reply.text), path
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert (reply.headers["x-frame-options"], reply.headers["cache-control"]) == ("DENY", "no-store")
        assert not active_parts(reply.text), path


async def test_hidden_marks_are_written_out(world):
    page = (await world.client.get(f"/ui/sample/{world.sample('pay').id}")).text
    assert '<i class="hid" title="RIGHT-TO-LEFT OVERRIDE">U+202E</i>' in page
    assert "U+001B" in page
    assert "U+200B" in page


async def test_a_long_text_is_cut_until_all_of_it_is_wanted(world):
    sample = world.sample("head")
    page = await world.client.get(f"/ui/sample/{sample.id}")
    assert len(page.content) < 100_000
    assert "head " in page.text
    assert " tail" in page.text
    assert "Show all 1,000,010 characters" in page.text
    whole = await world.client.get(f"/ui/sample/{sample.id}/text")
    assert html.unescape(whole.text) == LONG


async def test_the_evidence_is_that_of_the_reply(world):
    page = (await world.client.get(f"/ui/sample/{world.sample('crash').id}")).text
    assert "no verdict: <b>worker_crashed</b>" in page
    page = (await world.client.get(f"/ui/sample/{world.sample('no').id}")).text
    assert "&#39;no&#39; is compared" in page


async def test_filters_stand_in_the_address(world):
    where = f"/ui/run?{Filter(run=SCRIPT).query()}"
    counts = {"reward=1": 3, "reward=null": 1, "failure=worker_crashed": 1, "text=ALERT": 1, "step=2&text=yes": 2}
    for query, count in counts.items():
        page = (await world.client.get(f"{where}&{query}")).text
        assert f"<b>{count}</b> completion" in page, query
    reply = await world.client.get(f"{where}&reward=much")
    assert reply.status_code == 422
    assert "reward=much: write a number" in reply.text


async def test_what_is_gone_is_said(world):
    for path in ("/ui/sample/5", "/ui/group/5", "/ui/run?run=none", f"/ui/sample/{1 << 70}", "/ui/audit/x.json"):
        reply = await world.client.get(path)
        assert reply.status_code == 404, path
        assert "<h2>No such" in reply.text


async def test_a_histogram_bar_opens_what_it_counts(world):
    page = (await world.client.get(f"/ui/figures?{Filter(run=SCRIPT).query()}")).text
    bars = re.findall(r'<a href="([^"]+)" class="[^"]*">\s*<title>([^:]+): (\d+) completions', page)
    assert {label: int(count) for _, label, count in bars} == {"0": 4, "1": 3, "null": 1}
    for path, _, count in bars:
        assert f"<b>{count}</b> completion" in (await world.client.get(html.unescape(path))).text


async def test_live_tells_of_what_is_written(world):
    listeners = world.app.state.live
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="https://gateway") as client:
        key = {"authorization": "Bearer scorer"}
        events = listeners.stream().body_iterator
        assert b"retry" in await anext(events)
        assert listeners.listeners == 1
        await client.post("/score/toy", json={"completions": ["live"], "reference": {"answer": "x"}}, headers=key)
        assert await anext(events) == b"event: change\ndata: \n\n"
        await events.aclose()
        assert listeners.listeners == 0


# --- what if, labels, playground --------------------------------------------------------------------------------------


async def test_what_if_scores_it_again_and_records_nothing(world):
    before = sum(one.completions for one in world.queries.all_series())
    sample = world.sample("no")
    form = (await world.client.get(f"/ui/what-if/{sample.id}")).text
    assert "<option selected>toy</option>" in form
    fields = {"domain": "toy", "reference": "no", "text": "no", "options": "toy: {bonus: 0.25}"}
    reply = await world.post(f"/ui/what-if/{sample.id}", **fields)
    assert 'id="what-if-reward">1.250<' in reply.text
    reply = await world.post(f"/ui/what-if/{sample.id}", **{**fields, "text": "yes", "options": ""})
    assert 'id="what-if-reward">0<' in reply.text
    assert "the text is edited" in reply.text
    assert sum(one.completions for one in world.queries.all_series()) == before


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("toy: {bonus: much}", "toy.options.bonus"),
        ("toy: {url: http://x}", "toy.options"),
        ("other: {}", "no component is named"),
        ("toy: 3", "write component"),
        ("[", "not YAML"),
        ("!!python/object/apply:os.system [id]", "not YAML"),
        ("&a [*a]", "write component"),
    ],
)
async def test_options_that_do_not_fit_are_named(world, options, fault):
    sample = world.sample("no")
    reply = await world.post(f"/ui/what-if/{sample.id}", domain="toy", reference="no", options=options)
    assert 'role="alert"' in reply.text
    assert fault in html.unescape(reply.text)


async def test_a_label_becomes_a_line(world):
    sample = world.sample("yes")
    file = world.settings.store / "labels.jsonl"
    fields = {"component": "toy", "label": "paid wrongly", "note": SCRIPT}
    assert "reference: give it" in (await world.post(f"/ui/label/{sample.id}", **fields)).text
    assert not file.exists()
    reply = await world.post(f"/ui/label/{sample.id}", **fields, reference="yes")
    assert "touchstone check-labels" in reply.text
    (label,) = read_labels(file)
    assert (label.label, label.domain, label.component, label.score) == ("paid wrongly", "toy", "toy", 1.0)
    assert (label.completion, label.reference, label.prompt) == ("yes", {"answer": "yes"}, "say it")
    assert label.verdict({"reward": 1, "components": {"toy": {"score": 1.0}}}) == "broken"
    assert label.verdict({"reward": 1, "components": {"toy": {"score": 0.0}}}) == "holds"
    assert label.verdict({"reward": None, "components": {"toy": {"score": None}}}) == "no verdict"
    page = (await world.client.get("/ui/labels")).text
    assert "paid wrongly" in page
    assert "<script>alert" not in page
    assert "choose" in (await world.post(f"/ui/label/{sample.id}", **{**fields, "label": "x"}, reference="yes")).text
    file.unlink()


async def test_the_playground_explains_a_text(world):
    reply = await world.post("/ui/play", domain="toy", completion=SCRIPT, reference="yes", prompt="p")
    assert '<span class="big zero">0</span>' in reply.text
    assert "<script>alert" not in reply.text
    reply = await world.post("/ui/play", domain="toy", completion="yes", reference='{"answer": "yes"}')
    assert '<span class="big paid3">1</span>' in reply.text
    reply = await world.post("/ui/play", domain="none", completion="yes", reference="yes")
    assert "is not served here" in reply.text


# --- domains, audit, monitor ------------------------------------------------------------------------------------------


async def test_domains_with_their_health(world):
    page = (await world.client.get("/ui/domains/list")).text
    assert "toy" in page
    assert '<span class="dot good"></span>ready' in page


async def test_reports_of_a_folder_are_listed_and_half_of_one_is_refused(world):
    page = (await world.client.get("/ui/audit")).text
    assert "half.json" in page
    assert "rows.json" not in page
    reply = await world.client.get("/ui/audit/half.json")
    assert (reply.status_code, "This is no report" in reply.text) == (422, True)
    assert (await world.client.get("/ui/audit/..%2fhalf.json")).status_code == 404


async def test_the_monitor_shows_what_it_saw(world):
    site = world.app.state.site
    example = {"step": 3, "group": SCRIPT, "index": 0, "reward": 1.0, "quote": SCRIPT, "why": "another number"}
    alarm = {"name": "second", "state": "HACKING", "onset_step": 3, "text": SCRIPT, "examples": [example]}
    run = {"state": "HACKING", "step": 4, "groups": 1200, "completions": 9600, "paid": 31, "alarms": [alarm]}
    run["checks"] = {"second": {"hits": 12, "total": 1300}}
    run["changes"] = [{"step": 3, "from": "OK", "to": "HACKING", "alarms": ["second"]}]
    report = {"domains": {"toy": {"state": "HACKING", "runs": {SCRIPT: run}}}, "waiting": 0, "lost": 0, "skipped": 2}
    world.app.state.site = replace(site, monitor=lambda: report)
    page = (await world.client.get("/ui/monitor")).text
    world.app.state.site = site
    assert '<span class="tagged zero">HACKING</span>' in page
    assert "1,200 groups" in page
    assert "second verdicts against the first: second 12 of 1,300" in page
    assert '<li>step 3: <span class="tagged paid3">OK</span> → <span class="tagged zero">HACKING</span>' in page
    assert "<script>alert" not in page


async def test_the_monitor_of_the_gateway_is_shown(world):
    assert "groups" in (await world.client.get("/ui/monitor")).text
    site = world.app.state.site
    world.app.state.site = replace(site, monitor=None)
    page = (await world.client.get("/ui/monitor")).text
    world.app.state.site = site
    assert "TOUCHSTONE_MONITOR" in page


def test_vendored_files_are_those_that_are_named():
    folder = STATIC / "vendor"
    text = (folder / "VENDORED.md").read_text()
    rows = re.findall(r"^\| (\S+) \| \S+ \| [\d.]+ \| \S+ \| `(\w{64})` \|$", text, re.MULTILINE)
    files = [path for path in folder.iterdir() if path.suffix != ".md"]
    assert dict(rows) == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
