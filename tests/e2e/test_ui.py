"""The page in a real browser, over a real gateway of toys or over real scored files; and the routes' page, /docs."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from toy_gateway import SETTINGS, toy_environment

pytest.importorskip("selenium", reason="the dev group is not installed")
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="Chromium and chromedriver are not installed",
)
SCRIPT = "<script>document.title='owned';alert(1)</script><img src=x onerror=\"alert(2)\"><b>bold</b>"
LONG = "<think>" + "y" * 1_000_000 + "</think>no"


@pytest.fixture(scope="module")
def gateway(serve, toy_domains, tmp_path_factory):
    """URL of a gateway with a store of two runs."""
    store = tmp_path_factory.mktemp("store")
    with serve("--domains", str(toy_domains()), TOUCHSTONE_STORE=str(store), **SETTINGS) as (url, _):
        for run in ("first", "second"):
            for step in range(4):
                texts = ["yes", "no", "crash" if step == 3 else "no", "maybe" if run == "first" else "yes"]
                score(url, texts, run=run, step=step, id=f"q{step}")
        score(url, [SCRIPT, "pay \u202eme", LONG], run="hostile", id=SCRIPT, prompt=SCRIPT)
        yield url


def score(url, texts, domain="toy", **more):
    body = {"prompt": "say it", "completions": texts, "reference": {"answer": "yes"}, **more}
    httpx.post(f"{url}/score/{domain}", json=body, timeout=60).raise_for_status()


@contextmanager
def chromium():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1360,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Page(browser)
    finally:
        browser.quit()


@pytest.fixture(scope="module")
def browser():
    with chromium() as page:
        yield page


class Page:
    """A browser, with what the tests do in it. Nothing sleeps: each step waits for what it needs."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url):
        self.driver.get(url)
        return self

    def until(self, condition, about=""):
        waiting = WebDriverWait(self.driver, 30, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition(), about)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """The first that matches, as soon as it is there."""
        return self.until(lambda: next(iter(self.all(css)), None), css)

    def click(self, css, text=""):
        """The first link or button that matches, and has this text."""

        def find():
            return next((one for one in self.all(css) if text in one.text), None)

        element = self.until(find, f"{css} {text}")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def press(self, *keys):
        for key in keys:
            self.one("body").send_keys(key)

    def has(self, text):
        self.until(lambda: text in self.one("body").text, text)

    @property
    def path(self):
        return self.driver.current_url.partition("/ui")[2]

    def at(self, part):
        self.until(lambda: part in self.driver.current_url, part)

    def errors(self):
        """What the browser complained of since the last call: a refused script or style is among it."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


# --- slow: what must never break --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_from_the_runs_to_the_evidence_in_three_clicks(gateway, browser):
    browser.errors()
    browser.open(f"{gateway}/ui")
    browser.click("#list a", "first")
    browser.click("#list td.name a", "3")
    browser.click("#list .chip", "0")
    browser.has("is compared")
    assert "/ui/sample/" in browser.driver.current_url
    assert browser.one(".verdict .big").text == "0"
    browser.press("u")
    browser.at("/ui/group/")
    assert len(browser.all(".beside article")) == 4
    assert browser.errors() == []


@pytest.mark.slow
def test_try_it_out_of_the_docs(serve, toy_domains, browser):
    keys = {"TOUCHSTONE_SCORE_KEYS": "sesame", "TOUCHSTONE_WORKERS": "2"}
    with serve("--domains", str(toy_domains("math")), **keys) as (url, _):
        browser.open(f"{url}/docs").click('.opblock-summary-path[data-path="/score"]')
        browser.click(".try-out__btn")
        browser.click(".execute")
        status = ".live-responses-table .response .response-col_status"
        browser.until(lambda: browser.one(status).text.startswith("401"))
        browser.click("button.authorize")
        browser.one(".auth-container input").send_keys("sesame")
        browser.click(".auth-btn-wrapper .authorize")
        browser.click(".auth-btn-wrapper .btn-done")
        browser.click(".execute")
        browser.until(lambda: browser.one(status).text.startswith("200"))
        assert '"reward": 3' in browser.one(".live-responses-table .highlight-code").text
        # Nothing of the page comes from another server.
        loaded = "return performance.getEntriesByType('resource').map(entry => entry.name)"
        assert [name for name in browser.driver.execute_script(loaded) if not name.startswith(url)] == []


@pytest.mark.slow
def test_a_hostile_completion_is_text(gateway, browser):
    browser.errors()
    for path in ("/ui", "/ui/run?run=hostile", "/ui/run?run=hostile&text=script"):
        browser.open(f"{gateway}{path}").one("[data-row]")
    browser.click("#list td a")
    browser.has("<script>document.title='owned'")
    with pytest.raises(NoAlertPresentException):
        _ = browser.driver.switch_to.alert.text
    assert browser.driver.title != "owned"
    assert not browser.all("#completion b, #completion img, .prompt script")
    browser.open(f"{gateway}/ui/run?run=hostile&text=pay").click("#list td a")
    assert browser.one("#completion .hid").text == "U+202E"
    assert browser.errors() == []


@pytest.mark.slow
def test_with_keys_the_page_needs_one(serve, toy_domains, browser):
    keys = {"TOUCHSTONE_SCORE_KEYS": "open-sesame", "TOUCHSTONE_OPEN_METRICS": "1"}
    with serve("--domains", str(toy_domains()), **SETTINGS, **keys) as (url, _):
        browser.open(f"{url}/ui/labels")
        browser.at("/ui/login?next=")
        browser.one("input[name=key]").send_keys("wrong" + Keys.ENTER)
        browser.has("may not score")
        browser.one("input[name=key]").send_keys("open-sesame" + Keys.ENTER)
        browser.has("Nothing is labelled yet")
        assert "sesame" not in browser.driver.current_url
        assert browser.driver.execute_script("return document.cookie") == ""
        browser.open(f"{url}/ui/play")
        browser.one("textarea[name=completion]").send_keys("yes")
        browser.one("textarea[name=reference]").send_keys("yes")
        browser.click("#play button")
        assert browser.one("#play-result .big").text == "1"
        browser.click("header button", "Sign out")
        browser.at("/ui/login")
        browser.errors()  # the refused key


# --- long: every other flow -------------------------------------------------------------------------------------------


@pytest.mark.long
def test_filters_stand_in_the_address_and_go_back(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=first")
    browser.one("#text").send_keys("cras")
    browser.at("text=cras")
    browser.until(lambda: len(browser.all("#list [data-row]")) == 1)
    assert browser.one("#list .tagged").text == "worker_crashed"
    address = browser.driver.current_url
    assert "reward=" not in address
    browser.driver.back()
    browser.until(lambda: "text=cras" not in browser.driver.current_url)
    browser.until(lambda: len(browser.all("#list [data-row]")) == 4)
    browser.open(address)
    assert browser.one("#text").get_attribute("value") == "cras"
    browser.open(f"{gateway}/ui/run?run=first")
    Select(browser.one("select[name=component]")).select_by_index(1)
    browser.one("input[name=score]").send_keys("0" + Keys.TAB)
    browser.at("score=0")
    browser.has("11 completions")


@pytest.mark.long
def test_a_bar_of_the_histogram_opens_its_completions(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=first").one(".histogram a.null")
    browser.driver.execute_script(
        "document.querySelector('.histogram a.null .bar').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    browser.at("reward=null")
    browser.has("1 completion")


@pytest.mark.long
def test_curves_are_drawn_and_lead_to_their_step(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=first").one("#chart-reward canvas")
    over = browser.one("#chart-components .u-over")
    webdriver.ActionChains(browser.driver).move_to_element(over).click().perform()
    browser.at("step=")
    browser.has("Step ")


@pytest.mark.long
def test_keys(gateway, browser):
    browser.open(f"{gateway}/ui")
    browser.press("j", "j", "k", Keys.ENTER)
    browser.at("/ui/run?")
    browser.press("/")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "text"
    browser.driver.switch_to.active_element.send_keys("j" + Keys.ESCAPE)
    browser.at("text=j")
    browser.press("?")
    assert browser.one("#help").is_displayed()
    browser.press("?")
    browser.until(lambda: not browser.one("#help").is_displayed())
    browser.open(f"{gateway}/ui/run?run=first&step=1").click(".chip")
    first = browser.path
    browser.press("]")
    browser.until(lambda: browser.path != first)
    browser.press("[")
    browser.until(lambda: browser.path == first)


@pytest.mark.long
def test_dark_and_light(gateway, browser):
    def background():
        return browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")

    for scheme, other in (("light", "dark"), ("dark", "light")):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.open(f"{gateway}/ui").driver.execute_script("localStorage.clear()")
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.open(f"{gateway}/ui")
        before = background()
        browser.press("t")
        browser.until(lambda before=before: background() != before)
        chosen = background()
        browser.open(f"{gateway}/ui/play")
        assert background() == chosen
        assert browser.driver.execute_script("return document.documentElement.dataset.theme") == other
    browser.driver.execute_script("localStorage.clear()")


@pytest.mark.long
def test_it_is_live_and_keeps_its_place(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=live")
    score(gateway, ["yes", "no"], run="live", step=0)
    browser.until(lambda: browser.open(f"{gateway}/ui/run?run=live").all("#list [data-row]"))
    browser.press("j")
    browser.driver.execute_script("window.mark = 1")
    for step in (1, 2):
        score(gateway, ["yes", "yes"], run="live", step=step)
    browser.until(lambda: len(browser.all("#list [data-row]")) == 3)
    assert browser.driver.execute_script("return window.mark") == 1
    assert browser.one("#list [data-row].here").get_attribute("data-row") == "0"
    browser.one("#chart-reward canvas")


@pytest.mark.long
def test_a_long_text_is_shown_whole_when_it_is_wanted(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=hostile&text=yyyy").click("#list td a")
    browser.has("characters are not shown")
    assert len(browser.one("#completion").get_property("textContent")) < 20_000
    browser.click("button", "Show all")
    browser.until(lambda: browser.one("#completion").get_property("textContent") == LONG)
    assert not [one for one in browser.all("button") if "Show all" in one.text]


@pytest.mark.long
def test_what_if(gateway, browser):
    browser.open(f"{gateway}/ui/run?run=first&step=0").click(".chip", "0")
    browser.press("w")
    options = browser.one("#what-if-form textarea[name=options]")
    options.clear()
    options.send_keys("toy: {bonus: 0.5}")
    browser.one("#what-if-form input[name=reference]").send_keys("yes")
    browser.click("#what-if-form button")
    browser.until(lambda: browser.one("#what-if-reward").text == "0.500")
    options.clear()
    options.send_keys("toy: {bonus: much}")
    browser.click("#what-if-form button")
    browser.has("toy.options.bonus")
    Select(browser.one("#what-if-form select")).select_by_visible_text("whole")
    browser.until(lambda: "relative:" in browser.one("#what-if-form textarea[name=options]").get_attribute("value"))


@pytest.mark.long
def test_a_label_is_a_regression_test(gateway, browser, touchstone, toy_domains):
    browser.open(f"{gateway}/ui/run?run=first&step=0").click(".chip", "1")
    browser.click("#label > summary")
    browser.one("#label input[name=reference]").send_keys("yes")
    browser.click("#label button", "Paid wrongly")
    command = browser.one("#labelled code + *, #labelled p:last-child code").text
    file = command.rpartition(" ")[2]
    domains = ["--domains", str(toy_domains())]
    done = touchstone("check-labels", file, *domains, "--json", **toy_environment())
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)[0]["verdict"] == "broken"
    label = json.loads(Path(file).read_text())
    Path(file).write_text(json.dumps({**label, "label": "refused wrongly", "score": 0.0}) + "\n")
    assert touchstone("check-labels", file, *domains, **toy_environment()).returncode == 0
    Path(file).write_text(json.dumps({**label, "completion": "crash"}) + "\n")
    assert touchstone("check-labels", file, *domains, **toy_environment()).returncode == 3
    Path(file).write_text('{"label": "x"}\n')
    done = touchstone("check-labels", file, *domains, **toy_environment())
    assert (done.returncode, "line 1" in done.stderr) == (2, True)
    Path(file).unlink()


@pytest.mark.long
def test_two_runs_beside_each_other(gateway, browser):
    browser.open(f"{gateway}/ui/compare")
    for side, run in (("a", "first"), ("b", "second")):
        select = Select(browser.one(f"select[name={side}]"))
        name = next(one.text for one in select.options if one.text.startswith(run))
        select.select_by_visible_text(name)
        browser.at(f"{side}=")
        browser.until(
            lambda side=side, run=run: browser.one(f"select[name={side}] option:checked").text.startswith(run)
        )
    browser.one("#chart-both canvas")
    browser.has("completions that both scored differ")


@pytest.fixture
def page_over(tmp_path, free_port):
    """`with page_over(folder) as url`: `touchstone ui` over it."""

    @contextmanager
    def start(path, *arguments):
        command = [sys.executable, "-m", "reward_api", "ui", str(path), "--port", str(free_port), *arguments]
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(command, env={**os.environ, **toy_environment()}, stderr=log)
        url = f"http://127.0.0.1:{free_port}"
        try:
            while True:
                assert server.poll() is None, (tmp_path / "log").read_text()
                try:
                    httpx.get(f"{url}/ui")
                    break
                except httpx.TransportError:
                    pass
            yield url
        finally:
            server.terminate()
            assert server.wait(30) == 0

    return start


@pytest.mark.long
def test_scored_files_without_a_gateway(page_over, browser, touchstone, toy_domains, tmp_path):
    folder = tmp_path / "scored"
    folder.mkdir()
    domains = ["--domains", str(toy_domains())]
    rows = [{"prompt": "say it", "completions": ["yes", "no", "maybe", "no"], "answer": "yes"}]
    more = [*rows, {"prompt": "SECRET", "completions": ["no"], "answer": "HIDDENANSWER"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in more))

    def scored(name, domain, data):
        arguments = [
            "score",
            tmp_path / f"{data}.jsonl",
            "--domain",
            domain,
            "-o",
            folder / f"{name}.jsonl",
            *domains,
            "-q",
        ]
        assert touchstone(*arguments, **toy_environment()).returncode == 0

    scored("one", "toy", "rows")
    with page_over(folder, *domains) as url:
        browser.errors()
        browser.open(f"{url}/ui").has("one")
        scored("two", "whole", "rows")
        browser.has("two")
        scored("three", "toy", "more")
        browser.has("three")
        # The same flips as `touchstone diff` finds.
        done = touchstone("diff", folder / "one.jsonl", folder / "two.jsonl", "--json", "--component", "toy")
        flips = json.loads(done.stdout)
        browser.open(f"{url}/ui/compare")
        ids = {one.text.partition(" ")[0]: one.get_attribute("value") for one in browser.all("select[name=a] option")}
        browser.open(f"{url}/ui/compare?a={ids['one']}&b={ids['two']}&by=toy")
        browser.has(f"{len(flips)} of 4 completions that both scored differ")
        # What it scores again, it scores with the reference of the file, which it does not show.
        browser.open(f"{url}/ui/run?run=three&text=no&reward=0").click("#list td a")
        assert "HIDDENANSWER" not in browser.driver.page_source
        browser.press("w")
        browser.click("#what-if-form button")
        browser.until(lambda: browser.one("#what-if-reward").text == "0")
        assert "HIDDENANSWER" not in browser.driver.page_source
        assert browser.errors() == []
