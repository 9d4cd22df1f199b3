"""The folder of domain files, and what others do to it: one bad file harms no other, and what files say is followed."""

import asyncio
import logging
import os

import httpx
import pytest
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.domains.live import files
from reward_api.domains.spec import BadDomain, read
from reward_api.gateway.gateway import Gateway
from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings

NESTED = "[" * 5000


def toy(weight):
    return f"components: [{{verifier: 'toys:Toy', name: toy, weight: {weight}}}]\n"


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr("reward_verifiers.service.file_changes.READ_EVERY_S", 0.02)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "toy.yaml").write_text(toy(1))
    return tmp_path


@pytest.fixture
async def gateway(folder):
    gateway = Gateway(GatewaySettings(domains=folder, workers=1, verifier_urls=ELSEWHERE))
    async with gateway.running():
        yield gateway


@pytest.fixture
async def client(gateway):
    transport = httpx.ASGITransport(create_app(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def weight(gateway, name):
    domain = gateway.live_domains.find(name)
    return domain and domain.components[0].spec.weight


@pytest.mark.parametrize("bad", [NESTED, "components: 7\n", "\x00", "a: &a [*a, *a]\n", "{", toy("much"), ""])
async def test_a_bad_file_is_refused_alone_and_later_ones_are_followed(gateway, folder, bad):
    (folder / "a.yaml").write_text(bad)
    await until(lambda: "a" in gateway.live_domains.refused)
    (folder / "b.yaml").write_text(toy(2))
    await until(lambda: weight(gateway, "b") == 2)
    assert weight(gateway, "toy") == 1
    (folder / "a.yaml").write_text(toy(3))
    await until(lambda: weight(gateway, "a") == 3)
    assert not gateway.live_domains.refused


@pytest.mark.parametrize("bad", [NESTED, "components: 7\n", toy("much")])
async def test_a_bad_file_at_the_start_is_listed_and_its_404_says_why(folder, bad):
    (folder / "a.yaml").write_text(bad)
    gateway = Gateway(GatewaySettings(domains=folder, workers=1, verifier_urls=ELSEWHERE))
    async with gateway.running():
        transport = httpx.ASGITransport(create_app(gateway))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            listed = (await client.get("/domains")).json()
            reply = await client.post("/score/a", json={"completions": ["yes"]})
            about = await client.get("/domains/a")
            served = await client.post("/score/toy", json={"completions": ["y"], "reference": "y"})
    assert [domain["name"] for domain in listed["domains"]] == ["toy"]
    assert listed["refused"]["a"]
    assert (reply.status_code, about.status_code, served.status_code) == (404, 404, 200)
    for problem in (reply, about):
        assert problem.json()["errors"][0]["reason"].startswith("its file is refused: ")
        assert problem.json()["detail"].startswith("a: its file is refused: ")


async def test_only_bad_files_are_a_refusal_to_start(folder):
    (folder / "toy.yaml").write_text(toy("much"))
    with pytest.raises(BadDomain, match=r"toy.yaml: components\[0\].weight"):
        async with Gateway(GatewaySettings(domains=folder, workers=1, verifier_urls=ELSEWHERE)).running():
            pass


async def test_the_folder_is_told_in_the_log_and_in_the_list(gateway, folder, client, caplog):
    with caplog.at_level(logging.INFO):
        await gateway.live_domains.load()
    assert str(folder) in [record.folder for record in caplog.records if record.message == "domains loaded"]
    assert (await client.get("/domains")).json()["folder"] == str(folder)


def test_a_folder_named_domains_that_happens_to_be_here_is_not_taken(folder, monkeypatch):
    (folder / "domains").mkdir()
    (folder / "domains" / "stray.yaml").write_text(toy(1))
    monkeypatch.chdir(folder)
    assert GatewaySettings().domains == SHIPPED_DOMAINS
    assert {path.stem for path in files(SHIPPED_DOMAINS)} >= {"math", "logic", "code", "general", "safety"}


async def test_a_configmap_that_is_swapped_is_followed(tmp_path):
    for number in (1, 2):
        (tmp_path / f"..ts{number}").mkdir()
        (tmp_path / f"..ts{number}" / "toy.yaml").write_text(toy(number))
    (tmp_path / "..data").symlink_to("..ts1")
    (tmp_path / "toy.yaml").symlink_to("..data/toy.yaml")
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))
    async with gateway.running():
        assert weight(gateway, "toy") == 1
        (tmp_path / "..new").symlink_to("..ts2")
        os.replace(tmp_path / "..new", tmp_path / "..data")
        await until(lambda: weight(gateway, "toy") == 2)
        (tmp_path / "..ts2" / "toy.yaml").write_text(toy(5))
        await until(lambda: weight(gateway, "toy") == 5)


async def test_yml_is_served_and_one_name_is_one_file(gateway, folder):
    (folder / "short.yml").write_text(toy(4))
    await until(lambda: weight(gateway, "short") == 4)
    (folder / "toy.yml").write_text(toy(9))
    await until(lambda: "toy" in gateway.live_domains.refused)
    assert weight(gateway, "toy") == 1
    assert "toy.yaml has the same name" in str(gateway.live_domains.refused["toy"])


async def test_a_file_that_gets_the_other_ending_is_served_on(gateway, folder):
    (folder / "b.yaml").write_text(toy(2))
    await until(lambda: weight(gateway, "b") == 2)
    (folder / "b.yaml").rename(folder / "b.yml")
    (folder / "c.yml").write_text(toy(4))
    await until(lambda: weight(gateway, "c") == 4)
    assert weight(gateway, "b") == 2
    (folder / "b.yml").write_text(toy(3))
    await until(lambda: weight(gateway, "b") == 3)


async def test_a_file_that_is_gone_takes_its_domain_with_it(gateway, folder):
    (folder / "b.yaml").write_text(toy(2))
    await until(lambda: weight(gateway, "b") == 2)
    (folder / "b.yaml").unlink()
    await until(lambda: weight(gateway, "b") is None)


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("components: [{verifier: format, weight: 1.0, weight: 5.0}]\n", "weight", 1),
        ("components:\n- verifier: format\n  options:\n    a: 1\n    a: 2\n", "a", 5),
        ("components: [{verifier: format}]\ncombine: sum\ncombine: product\n", "combine", 3),
    ],
)
def test_a_key_that_stands_twice_is_refused_by_name(text, key, line):
    with pytest.raises(BadDomain) as caught:
        read(text.encode())
    [(path, reason)] = caught.value.errors
    assert path == key
    assert reason.startswith(f"the key stands twice in one mapping in line {line}, column ")


def test_a_fault_names_its_line():
    with pytest.raises(BadDomain) as caught:
        read(b"components:\n- verifier: format\n- verifier: answer\n  weight: much\n")
    [(path, reason)] = caught.value.errors
    assert path == "components[1].weight"
    assert reason.endswith("(line 4)")


async def test_files_are_read_again_on_demand_also_those_that_did_not_change(gateway, monkeypatch):
    monkeypatch.setattr("reward_verifiers.service.file_changes.READ_EVERY_S", 1000)
    await gateway.live_domains.put("toy", read(toy(7).encode()))
    await asyncio.sleep(0.1)  # those who follow the folder are now at their long pause
    gateway.live_domains.read_again()
    await until(lambda: weight(gateway, "toy") == 1)
