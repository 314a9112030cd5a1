# One verb each. `make` alone lists them.
PYTHON := .venv/bin/python
export PYTHONPATH := $(CURDIR)
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help install lock doctor models install-platforms install-manifests install-browser install-clients demo up test test-slow test-platforms test-clients test-all test-pod test-cluster test-image-pins check check-manifests format bench schema docs manifests images clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 20

install: ## .venv with locked versions, and missing system packages
	@scripts/install.sh

lock: ## hashes of all that ships: requirements/locked/ from requirements/ (needs the package index)
	@[ -x .venv-lock/bin/uv ] || { python3 -m venv .venv-lock && .venv-lock/bin/pip install -q uv==0.13.9; }
	@PATH="$(CURDIR)/.venv-lock/bin:$$PATH" python3 scripts/lock.py

install-platforms: install ## .venv-platforms: the libraries of RunPod, LitServe and Modal, beside .venv
	@scripts/install-beside.sh platforms

install-manifests: install ## .venv-manifests: what validates the manifests, beside .venv
	@scripts/install-beside.sh manifests

install-browser: ## Chromium, for the tests of the page
	@scripts/install-browser.sh

demo: install ## transcribe a conversation of three people through the whole stack (AUDIO=file for your own)
	@$(PYTHON) -W ignore -m stack demo

up: install ## Redis, Cog and the bridge in the foreground until Ctrl-C
	@exec $(PYTHON) -m stack

doctor: ## what this machine has and lacks; can be pasted into a bug report
	@[ -x $(PYTHON) ] || { echo "doctor: there is no .venv; run: make install"; exit 2; }
	@$(PYTHON) -W ignore -m stack doctor

models: install ## fetch the models that MODELS and its like name, and print what lies where
	@$(PYTHON) -m transcription.engine.fetching

check: install ## lint, types, import contracts
	@.venv/bin/ruff format --check -q . || { echo "run: make format"; exit 1; }
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-logo >/dev/null || .venv/bin/lint-imports --no-logo

test: check ## everything that fits in six minutes (COVERAGE=1 measures what it reaches)
ifdef COVERAGE
	@rm -rf .state/coverage && mkdir -p .state/coverage
	@$(PYTHON) -m coverage run -m pytest -m "not slow and not pod" -n 2 --dist loadfile
	@$(PYTHON) -m coverage combine -q && $(PYTHON) -m coverage report
else
	@$(PYTHON) -m pytest -m "not slow and not pod" -n 2 --dist loadfile
endif

install-clients: install ## .venv-clients: other people's clients, beside .venv
	@scripts/install-beside.sh clients

test-clients: install-clients ## other people's clients alone
	@$(PYTHON) -m pytest -m slow tests/clients tests/end_to_end/test_vercel_ai.py

# Playwright's loop and that of the other tests do not end well in one process.
test-slow: install-platforms install-manifests install-browser install-clients ## the slow tiers
	@$(PYTHON) -m pytest -m slow tests/browser || { \
		echo "once more: a browser that was busy for a moment is no fault of ours"; \
		$(PYTHON) -m pytest -m slow tests/browser; }
	@$(PYTHON) -m pytest -m slow --ignore tests/browser

test-platforms: install-platforms ## RunPod, Lightning and Modal alone
	@$(PYTHON) -m pytest tests/platforms

test-all: test test-slow ## both

test-pod: install ## k8s/cpu as a real pod: images, kills, drain (needs podman and mmdebstrap)
	@$(PYTHON) -m pytest -s tests/pod

test-cluster: install ## what only a cluster can show, on the one that kubectl points at
	@$(PYTHON) -W ignore -m tests.cluster

test-image-pins: ## the GPU image's own packages on this CPU: 4 GB, by hand and weekly
	@scripts/image-pins.sh

check-manifests: install-manifests ## Kubernetes' schemas, checkov and our own checks over every manifest
	@$(PYTHON) -m pytest tests/manifests

bench: install ## real-time factor, stages, memory, overhead of the bridge
	@$(PYTHON) -W ignore -m benchmarks $(NAME)

format: install ## bring the code into shape
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

schema: install ## write .cog/openapi_schema.json from the code
	@$(PYTHON) -m transcription.schema > .cog/openapi_schema.json

docs: install ## write the generated parts of README, docs and .env.example
	@$(PYTHON) scripts/reference.py --write

manifests: ## render k8s/cpu and k8s/scale into one file each (needs kubectl or kustomize)
	@scripts/manifests.sh

images: ## build the images that the manifests name (REGISTRY=… PUSH=1 IMAGES="bridge cpu")
	@scripts/images.sh

clean: ## remove .venv and the local state
	@rm -rf .venv .venv-* .state
