"""What a tag publishes is what the manifests name, and says what it was made from."""

import re
import subprocess

import pytest
import yaml

from stack.settings import ROOT
from tests.manifests.documents import images

IMAGES = ROOT / ".github/workflows/images.yml"
JOBS = yaml.safe_load(IMAGES.read_text())["jobs"]
SCRIPTS = {name: "\n".join(s.get("run", "") for s in job["steps"]) for name, job in JOBS.items()}
(ATTESTED,) = re.findall(r'attested="([^"]*)"', IMAGES.read_text())
OURS = ("PREDICTOR", "PREDICTOR_CPU", "BRIDGE", "ALL_IN_ONE")


@pytest.mark.parametrize("variable", OURS)
def test_every_image_of_ours_is_published_and_named_by_its_digest(variable: str) -> None:
    assert variable in images()
    published = SCRIPTS["bridge-and-cpu"] + SCRIPTS["predictor"]
    assert re.search(rf"(-t \"\$REGISTRY/|\"(bridge|cpu) )\${variable}\b", published)
    assert f'"${variable}"' in SCRIPTS["manifests"]


def test_whatever_is_published_says_what_it_was_made_from() -> None:
    text = IMAGES.read_text().replace("\\\n", " ").replace("$attested", ATTESTED)
    pushed = [line for line in text.splitlines() if "buildx build" in line]
    assert len(pushed) == 3
    for line in pushed:
        assert {"--sbom=true", "--provenance=mode=max", "--push"} <= set(line.split())
    # What Cog built is pushed under another name alone.
    assert re.findall(r"docker push (.*)$", text, re.MULTILINE) == [
        '"$REGISTRY/$PREDICTOR:$VERSION-cog"'
    ]


@pytest.mark.parametrize("job", SCRIPTS)
def test_what_the_jobs_run_can_be_parsed(job: str) -> None:
    script = re.sub(r"\$\{\{[^}]*\}\}", "x", SCRIPTS[job])
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
