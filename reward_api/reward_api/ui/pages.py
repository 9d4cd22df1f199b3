"""The page's routes: each reads its address, asks the store or the gateway, and renders one template.

Plain functions run in threads, so that neither a query nor a template takes time of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from reward_api.domains.samples import sample_groups
from reward_api.gateway.gateway import Gateway
from reward_api.store.filters import BadFilter, Filter
from reward_api.store.queries import Queries, Series, Whole
from reward_api.store.reader import TooSlow
from reward_api.ui import charts, labels, what_if
from reward_api.ui.live import Live
from reward_api.ui.marked import body_of, marked, spans_of
from reward_api.ui.templates import STATIC, render
from reward_api.ui.what_if import CannotScore
from reward_verifiers.service.keys import LOGIN, PAGE, SESSION, SESSION_S, Keys
from reward_verifiers.service.problems import HTTPProblem

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'self'; sandbox"
)
PAGE_ROWS = 50
MAX_FIELDS = 64
EDITABLE = 200_000
"""Characters of a completion that a browser gets to edit."""
COMPARED = 100


@dataclass
class Site:
    """What one page shows. read: how many lines of files were read so far, of how many; None where no file is read.
    monitor: the report of GET /monitor.
    """

    queries: Queries | None
    gateway_of: what_if.GatewayOf
    labels: Path | None
    audits: Path | None
    read: Callable[[], tuple[int, int] | None] = field(default=lambda: None)
    place: str = ""
    monitor: Callable[[], dict[str, Any]] | None = None


class PageRoute(APIRoute):
    """Answers with a page also when something does not fit, and lets no page of another site send it anything."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                _refuse_foreign(request)
                response = await handle(request)
            except (BadFilter, CannotScore) as error:
                response = _message(request, 422, "This does not fit", str(error))
            except HTTPProblem as error:
                response = _message(request, error.problem.status, error.problem.title, error.problem.detail)
            except TooSlow:
                response = _message(
                    request, 503, "This took too long", "Narrow the filter: give a run, a step or a reward."
                )
            except sqlite3.Error as error:
                response = _message(request, 503, "The store cannot be read", str(error))
            for name, value in {
                "content-security-policy": CSP,
                "referrer-policy": "no-referrer",
                "cross-origin-opener-policy": "same-origin",
                "cross-origin-resource-policy": "same-origin",
                "x-frame-options": "DENY",
            }.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


router = APIRouter(route_class=PageRoute, prefix=PAGE, include_in_schema=False)


def _refuse_foreign(request: Request) -> None:
    """A form of another site can post here, but not with this header, which needs the permission that we never give."""
    if request.method == "POST" and request.url.path != LOGIN and "hx-request" not in request.headers:
        raise HTTPProblem(403, "Not from this page", "Send the forms of this page by its own script.")


def _message(request: Request, status: int, title: str, detail: str) -> Response:
    if "hx-request" in request.headers:  # htmx swaps only what is fine
        return HTMLResponse(render("problem.html", title=title, detail=detail))
    return HTMLResponse(render("message.html", title=title, detail=detail, **_shell(request, "")), status)


def _site(request: Request) -> Site:
    site = request.app.state.site
    assert isinstance(site, Site)  # noqa: S101
    return site


def _keys(request: Request) -> Keys:
    keys = request.app.state.keys
    assert isinstance(keys, Keys)  # noqa: S101
    return keys


def _shell(request: Request, here: str) -> dict[str, Any]:
    return {"here": here, "has_session": _keys(request).are_set, "read": _site(request).read()}


def _page(request: Request, template: str, here: str, **values: Any) -> Response:
    return HTMLResponse(render(template, **_shell(request, here), **values))


def _queries(request: Request) -> Queries:
    queries = _site(request).queries
    if queries is None:
        raise HTTPProblem(404, "No store", "Nothing is stored: set TOUCHSTONE_STORE to a folder, and start again.")
    return queries


def _filter(request: Request) -> Filter:
    return Filter.of(request.query_params)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; read in a thread, since a completion is among them."""
    body = await request.body()

    def read() -> dict[str, str]:
        with contextlib.suppress(ValueError):
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        raise HTTPProblem(422, "This form has too many fields")

    return await asyncio.to_thread(read)


# --- runs, steps, groups, completions ---------------------------------------------------------------------------------


@router.get("")
def runs(request: Request) -> Response:
    """All runs, the newest first."""
    site = _site(request)
    series = site.queries.all_series() if site.queries else []
    return _page(request, "runs.html", "runs", series=series, has_store=site.queries is not None, place=site.place)


@router.get("/run")
def run(request: Request) -> Response:
    """One run: its figures and its steps, one step's groups, or the completions that a filter selects."""
    queries, where = _queries(request), _filter(request)
    series = queries.series(where)
    if not series:
        raise HTTPProblem(404, "No such run", "Nothing of it is stored, or it made room for newer groups.")
    offset = _offset(request)
    steps = [] if where.is_narrow or where.step is not None else queries.steps(where)
    values: dict[str, Any] = {"samples": [], "groups": [], "steps": []}
    order = request.query_params.get("order", "reward")
    if where.is_narrow:
        kind, total = "samples", queries.count(where)
        values["samples"] = queries.samples(where, PAGE_ROWS, offset, order)
    elif any(one.step is not None for one in steps):
        kind, total = "steps", len(steps)
        values["steps"] = steps[::-1][offset : offset + PAGE_ROWS]
    else:
        kind, total = "groups", sum(one.groups for one in queries.steps(where))
        values["groups"] = queries.groups(where, PAGE_ROWS, offset)
    more = offset + PAGE_ROWS if offset + PAGE_ROWS < total else None
    return _page(
        request, "run.html", "runs", where=where, series=series, names=queries.components(where), kind=kind, total=total,
        offset=offset, more=more, order=order, high=_high(series), totals=_totals(series), path=request.url.query, **values,
    )  # fmt: skip


@router.get("/figures")
def figures(request: Request) -> Response:
    """The curves and the histogram of a run, which may take longer than its list."""
    queries, where = _queries(request), _filter(request)
    bars = queries.bars(where)
    steps = queries.steps(where.but(step=None))
    series = queries.series(where)
    return HTMLResponse(
        render(
            "figures.html",
            where=where,
            columns=charts.columns(bars),
            total=sum(bar.count for bar in bars),
            trend=charts.trend(steps, where),
            facets=queries.facets(where),
            high=_high(series),
        )
    )


@router.get("/group/{number}")
def group(request: Request, number: int) -> Response:
    """The completions of a group beside each other, best first."""
    queries = _queries(request)
    one = queries.group(number)
    series = next((each for each in queries.all_series() if one and each.id == one.series), None)
    if one is None or series is None:
        raise HTTPProblem(404, "No such group", "It is not stored, or it made room for newer groups.")
    results = queries.results([sample.id for sample in one.samples])
    previews = {
        sample.id: marked(sample.preview, spans_of(sample.preview, results.get(sample.id, {"components": {}})))
        for sample in one.samples
    }
    return _page(
        request, "group.html", "runs", group=one, series=series, results=results, previews=previews,
        names=queries.components(series.filter()),
    )  # fmt: skip


@router.get("/sample/{number}")
def sample(request: Request, number: int) -> Response:
    """One completion, and why it got its reward."""
    whole = _whole(request, number)
    siblings = whole.group.samples
    place = next(at for at, one in enumerate(siblings) if one.id == number)
    return _page(
        request, "sample.html", "runs", whole=whole, body=body_of(whole.text, whole.result), result=whole.result,
        before=siblings[place - 1] if place else None,
        after=siblings[place + 1] if place + 1 < len(siblings) else None,
        right=_right(whole), labels=_site(request).labels, needs_reference=whole.input is None,
        reference=_shown_reference(whole.result),
    )  # fmt: skip


@router.get("/sample/{number}/text")
def whole_text(request: Request, number: int) -> Response:
    """All of a long completion."""
    whole = _whole(request, number)
    return HTMLResponse(str(body_of(whole.text, whole.result, whole=True).html))


def _whole(request: Request, number: int) -> Whole:
    whole = _queries(request).whole(number) if number < 1 << 62 else None
    if whole is None:
        raise HTTPProblem(404, "No such completion", "It is not stored, or it made room for newer groups.")
    return whole


def _offset(request: Request) -> int:
    text = request.query_params.get("offset", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _high(series: list[Series]) -> float | None:
    return max((one.high for one in series if one.high is not None), default=None)


def _totals(series: list[Series]) -> dict[str, Any]:
    completions, valid = sum(one.completions for one in series), sum(one.valid for one in series)
    rewards = [one.mean * one.valid for one in series if one.mean is not None]
    return {
        "completions": completions,
        "groups": sum(one.groups for one in series),
        "mean": sum(rewards) / valid if valid else None,
        "paid": sum(one.paid for one in series) / completions if completions else None,
        "nulls": (completions - valid) / completions if completions else None,
    }


def _right(whole: Whole) -> str:
    """The component that says what is right: `answer`, else the first."""
    names = list(whole.result["components"])
    return "answer" if "answer" in names or not names else names[0]


def _shown_reference(result: dict[str, Any]) -> str:
    """The reference, where the evidence shows it."""
    for part in result["components"].values():
        for name in ("reference_canonical", "reference"):
            if isinstance(value := part["evidence"].get(name), str):
                return value
    return ""


# --- two runs ---------------------------------------------------------------------------------------------------------


@router.get("/compare")
def compare(request: Request) -> Response:
    """Two runs, or two versions of a domain: on the same completions every flip, else their curves."""
    queries = _queries(request)
    series = queries.all_series()
    params = request.query_params
    sides = [next((one for one in series if str(one.id) == params.get(name)), None) for name in ("a", "b")]
    values: dict[str, Any] = {
        "a": sides[0],
        "b": sides[1],
        "flips": [],
        "kinds": [],
        "common": 0,
        "trend": None,
        "reasons": {},
    }
    kind = params.get("flip") or None
    component = ""
    if sides[0] and sides[1]:
        before, after = sides[0].filter(), sides[1].filter()
        names = list(dict.fromkeys([*queries.components(before), *queries.components(after)]))
        component = params.get("by") or ("answer" if "answer" in names or not names else names[0])
        values["names"] = names
        values["common"], values["kinds"] = queries.flips(before, after, (component, component))
        values["flips"] = queries.flipped(before, after, (component, component), kind, COMPARED)
        ids = [one.id for flip in values["flips"] for one in (flip.before, flip.after)]
        values["reasons"] = {
            number: str(result["components"].get(component, {}).get("reason", ""))
            for number, result in queries.results(ids).items()
        }
        values["trend"] = charts.both(queries.steps(before), queries.steps(after))
    return _page(request, "compare.html", "compare", series=series, kind=kind, component=component, **values)


# --- what if, labels, playground --------------------------------------------------------------------------------------


@router.get("/what-if/{number}")
async def what_if_form(request: Request, number: int) -> Response:
    """The form to score a completion again under another domain or other options."""
    whole = await asyncio.to_thread(_whole, request, number)
    gateway = await _gateway(request)
    names = [one.name for one in gateway.live_domains.domains() if one.spec.enabled]
    wanted = request.query_params.get("domain") or whole.series.domain
    name = wanted if wanted in names else names[0]
    return HTMLResponse(
        render(
            "what_if.html",
            whole=whole,
            names=names,
            name=name,
            options=what_if.options_text(what_if.served(gateway, name)),
            text=whole.text if len(whole.text) <= EDITABLE else None,
            reference=_shown_reference(whole.result),
            has_input=whole.input is not None,
        )
    )


@router.post("/what-if/{number}")
async def what_if_result(request: Request, number: int) -> Response:
    """The new result beside the stored one."""
    form = await _form(request)
    whole = await asyncio.to_thread(_whole, request, number)
    gateway = await _gateway(request)
    domain = what_if.served(gateway, form.get("domain", ""))
    domain = await what_if.with_options(gateway, domain, form.get("options", ""))
    body = _body(whole, form.get("reference", ""))
    if "text" in form and _unix(form["text"]) != _unix(whole.text):
        body["completions"] = [_unix(form["text"])]
    reply = await what_if.score(gateway, domain, body)
    return await asyncio.to_thread(
        _page, request, "what_if_result.html", "", before=whole.result, after=reply["results"][0], domain=domain.name,
        version=reply["version"], same=reply["version"] == whole.series.version, edited=body["completions"] != [whole.text],
    )  # fmt: skip


def _unix(text: str) -> str:
    """A form sends every line's end as CR LF."""
    return text.replace("\r\n", "\n")


def _body(whole: Whole, reference: str) -> dict[str, Any]:
    """The request for one stored completion. A scored file has the whole of it; from a store, the reference is typed."""
    body: dict[str, Any] = {"completions": [whole.text], "prompt": whole.group.prompt or None}
    if whole.input is not None:
        body |= {
            name: whole.input[name] for name in ("prompt", "reference", "prefix") if whole.input.get(name) is not None
        }
        completions = whole.input.get("completions") or []
        if whole.sample.place < len(completions):
            body["completions"] = [completions[whole.sample.place]]
    typed = what_if.reference_of(reference)
    if typed is not None:
        body["reference"] = typed
    return {name: value for name, value in body.items() if value is not None}


@router.post("/label/{number}")
async def label(request: Request, number: int) -> Response:
    """A line of the regression file."""
    form = await _form(request)
    site = _site(request)
    if site.labels is None:
        raise HTTPProblem(404, "No place for labels", "Set TOUCHSTONE_STORE to a folder: its labels.jsonl takes them.")
    whole = await asyncio.to_thread(_whole, request, number)
    body = _body(whole, form.get("reference", ""))
    if not body.get("reference"):
        raise CannotScore("reference: give it, for `touchstone check-labels` scores the completion again")
    component = form.get("component", "")
    parts = whole.result["components"]
    if component != "reward" and component not in parts:
        raise CannotScore(f"component: choose reward or one of {', '.join(parts)}")
    reference = body["reference"]
    try:
        line = labels.Label.model_validate(
            {
                "label": form.get("label"),
                "domain": whole.series.domain,
                "component": component,
                "score": whole.result["reward"] if component == "reward" else parts[component]["score"],
                "prompt": body.get("prompt"),
                "completion": body["completions"][0],
                "reference": reference if isinstance(reference, dict) else {"answer": reference},
                "prefix": body.get("prefix", ""),
                "note": form.get("note", "")[:2000],
                "version": whole.series.version,
            }
        )
    except ValueError:
        raise CannotScore("label: choose `paid wrongly` or `refused wrongly`") from None
    await asyncio.to_thread(labels.append, site.labels, line)
    return HTMLResponse(render("labelled.html", label=line, file=str(site.labels)))


@router.get("/labels")
def label_list(request: Request) -> Response:
    """What was labelled."""
    path = _site(request).labels
    lines: list[labels.Label] = []
    fault = ""
    if path is not None and path.exists():
        try:
            lines = list(labels.read_labels(path))[::-1]
        except (labels.BadLabel, OSError) as error:
            fault = str(error)
    return _page(request, "labels.html", "labels", lines=lines, file=path, fault=fault)


@router.get("/play")
def play(request: Request) -> Response:
    """A text in, the reward explained. The form comes when the gateway is there."""
    return _page(request, "play.html", "play", query=urlencode(dict(request.query_params)))


@router.get("/play/form")
async def play_form(request: Request) -> Response:
    """The form of one domain, with an example of its own."""
    gateway = await _gateway(request)
    names = [one.name for one in gateway.live_domains.domains() if one.spec.enabled]
    wanted = request.query_params.get("domain", "")
    name = wanted if wanted in names else "math" if "math" in names else names[0]
    examples = sample_groups(gateway.live_domains.folder, name)
    number = request.query_params.get("example", "0")
    chosen = examples[int(number) % len(examples)].group if examples and number.isdigit() else {}
    return HTMLResponse(
        render("play_form.html", names=names, name=name, examples=examples, example=_example(chosen), number=number)
    )


def _example(group: Mapping[str, Any]) -> dict[str, str]:
    """As it is typed into the form."""
    reference = group.get("reference", "")
    is_bare = isinstance(reference, dict) and reference.keys() == {"answer"} and isinstance(reference["answer"], str)
    text = (
        reference["answer"] if is_bare else reference if isinstance(reference, str) else json.dumps(reference, indent=1)
    )
    texts = {"prompt": group.get("prompt", ""), "completion": (group.get("completions") or [""])[0]}
    return {
        "reference": text if text != "{}" else "",
        **{name: one if isinstance(one, str) else json.dumps(one, indent=1) for name, one in texts.items()},
        "prefix": group.get("prefix", ""),
    }


@router.post("/play")
async def play_result(request: Request) -> Response:
    """The reward of one text, and why."""
    form = await _form(request)
    gateway = await _gateway(request)
    domain = what_if.served(gateway, form.get("domain", ""))
    text = _unix(form.get("completion", ""))
    body: dict[str, Any] = {"completions": [_typed(text)], "prefix": _unix(form.get("prefix", ""))}
    if prompt := _unix(form.get("prompt", "")):
        body["prompt"] = _typed(prompt)
    if (reference := what_if.reference_of(form.get("reference", ""))) is not None:
        body["reference"] = reference
    reply = await what_if.score(gateway, domain, body)
    result = reply["results"][0]
    html = await asyncio.to_thread(
        lambda: render("play_result.html", reply=reply, result=result, body=body_of(text, result, whole=True))
    )
    return HTMLResponse(html)


def _typed(text: str) -> Any:
    """Chat messages where they are typed as JSON, else the text."""
    if text.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            messages = json.loads(text)
            if (
                isinstance(messages, list)
                and messages
                and all(isinstance(one, dict) and "role" in one for one in messages)
            ):
                return messages
    return text


async def _gateway(request: Request) -> Gateway:
    try:
        return await _site(request).gateway_of()
    except ValueError as error:  # BadDomain, or a pool that cannot start
        raise CannotScore(f"the gateway cannot start: {error}") from None


# --- domains, audit, monitor ------------------------------------------------------------------------------------------


@router.get("/domains")
def domains(request: Request) -> Response:
    return _page(request, "domains.html", "domains")


@router.get("/domains/list")
async def domain_list(request: Request) -> Response:
    """Every domain with whether its verifiers answer."""
    gateway = await _gateway(request)
    ready, reasons = await asyncio.gather(gateway.readiness(), gateway.reasons())
    live = gateway.live_domains
    listed = live.domains()
    others = {name: live.faults(name) for name in sorted({*live.refused, *live.left_out}) if live.find(name) is None}
    faults = {one.name: live.faults(one.name) for one in listed}
    return HTMLResponse(
        render(
            "domain_list.html",
            domains=listed,
            ready=ready,
            reasons=reasons,
            others=others,
            faults=faults,
            folder=str(live.folder.resolve()),
        )
    )


@router.get("/audit")
def audits(request: Request) -> Response:
    """The reports of a folder."""
    folder = _site(request).audits
    reports = []
    for path in sorted(folder.glob("*.json")) if folder else []:
        with contextlib.suppress(OSError, ValueError):
            document = json.loads(path.read_text("utf-8"))
            if isinstance(document, dict) and "verdict" in document:
                reports.append({"name": path.name, "at": path.stat().st_mtime, "document": document})
    return _page(request, "audits.html", "audit", folder=folder, reports=reports)


@router.get("/audit/{name}")
def audit(request: Request, name: str) -> Response:
    """One report, as `touchstone audit --html` writes it."""
    from reward_api.audit.report.page import page_of

    folder = _site(request).audits
    path = next((one for one in folder.glob("*.json") if one.name == name), None) if folder else None
    if path is None:
        raise HTTPProblem(404, "No such report", "The folder of TOUCHSTONE_AUDITS holds no such file.")
    try:
        html = page_of(json.loads(path.read_text("utf-8")))
    except Exception:  # of a file that is no report, or of another version: a template may miss anything
        raise HTTPProblem(422, "This is no report", f"{name} was not written by touchstone audit --report.") from None
    return HTMLResponse(html, headers={"content-security-policy": REPORT_CSP})


@router.get("/monitor")
async def monitor(request: Request) -> Response:
    """What the gateway's monitor says, where it has one."""
    site: Site = request.app.state.site
    report = await asyncio.to_thread(site.monitor) if site.monitor else None
    return _page(request, "monitor.html", "monitor", report=report)


# --- live, session, files ---------------------------------------------------------------------------------------------


@router.get("/live")
async def live(request: Request) -> Response:
    """Events when something was written."""
    listeners: Live | None = request.app.state.live
    if listeners is None:
        return Response(status_code=204)  # an EventSource does not ask again
    return listeners.stream()


@router.get("/login")
def login_form(request: Request) -> Response:
    return _login_page(request.query_params.get("next", ""), "", 200)


def _login_page(target: str, fault: str, status: int) -> Response:
    return HTMLResponse(render("login.html", fault=fault, target=_local(target)), status)


def _local(target: str) -> str:
    """A path of this page, wherever a link to the form points."""
    plain = target.startswith(PAGE) and target[len(PAGE) : len(PAGE) + 1] in ("", "/", "?")
    return target if plain and "\\" not in target and not any(ord(one) < 33 for one in target) else PAGE


@router.post("/login")
async def login(request: Request) -> Response:
    """A session for who has a key. The key goes into no address and no cookie."""
    form = await _form(request)
    cookie = _keys(request).session(form.get("key", ""))
    if cookie is None:
        return _login_page(form.get("next", ""), "This key may not score here.", 401)
    response = RedirectResponse(_local(form.get("next", "")), 303)
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION, cookie, SESSION_S, path=PAGE, httponly=True, samesite="strict", secure=secure)
    return response


@router.post("/logout")
async def logout() -> Response:
    response = Response(headers={"hx-redirect": LOGIN})
    response.delete_cookie(SESSION, path=PAGE)
    return response


@router.get("/static/{path:path}")
def static(path: str) -> Response:
    file = next((one for one in STATIC.rglob("*.*") if one.relative_to(STATIC).as_posix() == path), None)
    if file is None:
        raise HTTPProblem(404, "No such file")
    return FileResponse(file, headers={"cache-control": "public, max-age=31536000, immutable"})
