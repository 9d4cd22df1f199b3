"""The manifests fit Kubernetes' own schemas, and name what the suite has."""

import re
from pathlib import Path

import pytest
import yaml

from reward_api.cli.settings_page import page
from reward_api.settings import SHIPPED_DOMAINS

kubernetes_validate = pytest.importorskip("kubernetes_validate")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS = [one for name in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((FOLDER / name).read_text())]
NAMES = [f"{one['kind']} {one['metadata']['name']}" for one in OBJECTS]


def of_kind(kind):
    return {one["metadata"]["name"]: one["spec"] for one in OBJECTS if one["kind"] == kind}


@pytest.mark.parametrize("manifest", OBJECTS, ids=NAMES)
def test_it_fits_the_schema(manifest):
    kubernetes_validate.validate(manifest, "1.34", strict=True)


def test_a_field_that_does_not_exist_is_seen():
    deployment = next(one for one in OBJECTS if one["kind"] == "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**deployment, "spec": {**deployment["spec"], "replica": 1}}, "1.34", strict=True)


def test_every_deployment_has_what_it_needs_beside_it():
    deployments = of_kind("Deployment")
    assert of_kind("Service").keys() == of_kind("HorizontalPodAutoscaler").keys() == deployments.keys()
    assert of_kind("PodDisruptionBudget").keys() == deployments.keys()
    for name, spec in deployments.items():
        labels = spec["template"]["metadata"]["labels"]
        selectors = [of_kind("Service")[name]["selector"], spec["selector"]["matchLabels"]]
        assert selectors == [labels, labels]
        [container] = spec["template"]["spec"]["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["lifecycle"]["preStop"]
        security = container["securityContext"]
        assert (security["readOnlyRootFilesystem"], security["capabilities"]) == (True, {"drop": ["ALL"]})
        [metric] = of_kind("HorizontalPodAutoscaler")[name]["metrics"]
        assert metric["pods"]["metric"]["name"] == "reward_inflight_samples"


def test_the_images_are_those_of_compose():
    built = re.findall(r"image: (touchstone/\w+)", (ROOT / "docker-compose.yml").read_text())
    for spec in of_kind("Deployment").values():
        assert spec["template"]["spec"]["containers"][0]["image"] in built


def test_every_variable_is_a_setting():
    settings = set(re.findall(r"`(TOUCHSTONE_\w+)`", page()))
    for spec in of_kind("Deployment").values():
        for variable in spec["template"]["spec"]["containers"][0]["env"]:
            assert variable["name"] in settings


def test_as_many_gateways_as_there_are():
    [gateways] = [
        one["value"]
        for one in of_kind("Deployment")["gateway"]["template"]["spec"]["containers"][0]["env"]
        if one["name"] == "TOUCHSTONE_GATEWAYS"
    ]
    assert int(gateways) == of_kind("HorizontalPodAutoscaler")["gateway"]["minReplicas"]


def test_the_domains_are_the_shipped_ones():
    for generator in KUSTOMIZATION["configMapGenerator"]:
        for name in generator["files"]:
            assert (FOLDER / name).read_text() == (SHIPPED_DOMAINS / Path(name).name).read_text()


def test_all_verifiers_are_behind_the_network_policy():
    policies = of_kind("NetworkPolicy")
    [expression] = policies["verifiers"]["podSelector"]["matchExpressions"]
    assert {*expression["values"], "gateway"} == of_kind("Deployment").keys()
