# make demo    sets up .venv and runs the main job on bundled data
# make test    sets up what is missing and runs the whole test suite
# make figures reproduces the papers' figures in small (make -j2: two at a time), make figure-<id> one of them
# make help    says what else there is

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := outputs/demo
LANDSCAPE := $(BIN)/landscape
PHENOMENA := $(basename $(notdir $(wildcard conf/phenomena/*.yaml)))

.DEFAULT_GOAL := help
.PHONY: help demo test docs figures paper costs bench gpu lint clean $(PHENOMENA:%=figure-%) $(PHENOMENA:%=paper-%)
.DELETE_ON_ERROR:

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; got $$($(PYTHON) --version); say make PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

test: $(VENV)/installed-dev ## the whole test suite
	$(BIN)/python -m pytest -n auto --dist worksteal

# The papers' figures: one target a phenomenon. `reproduce` itself knows what is left to do: seeds that are not measured, claims
# and pictures that have changed; where nothing has, it says so within a second.
DATA ?= data
# with make -j each of the processes has one core
ONE_CORE = $(if $(findstring -j,$(MAKEFLAGS)),OMP_NUM_THREADS=1)

figures: costs $(PHENOMENA:%=figure-%) ## all figures at small scale, into docs/gallery; finished ones are kept; -j2 uses both cores
	@$(LANDSCAPE) gallery out=docs/gallery

$(PHENOMENA:%=figure-%): figure-%: $(VENV)/installed
	@$(ONE_CORE) $(LANDSCAPE) reproduce id=$* dataset.root=$(DATA)

paper: costs $(PHENOMENA:%=paper-%) ## all figures at the paper's own scale: months on one GPU, so rather one at a time

$(PHENOMENA:%=paper-%): paper-%: $(VENV)/installed
	@$(LANDSCAPE) reproduce id=$* scale=paper dataset.root=$(DATA)

costs: $(VENV)/installed
	@$(LANDSCAPE) list phenomena

bench: $(VENV)/installed-dev ## the benchmarks, an hour on two idle cores (benchmarks/README.md)
	@set -e; for name in startup rates point processes training recomputation stacked memory cheaper; do $(BIN)/python -m benchmarks.$$name; echo; done

docs: $(VENV)/installed-docs ## the site, with every phenomenon's page, into docs/_build/html
	$(BIN)/python -m sphinx --quiet -W --keep-going docs docs/_build/html
	@echo docs/_build/html/index.html

# one stage or several: make gpu STAGE="equal cost"; where what comes back: GPU_OUT
GPU_OUT ?= outputs/gpu
gpu: $(VENV)/installed-dev ## what is to be measured where there is a GPU, in stages of minutes (benchmarks/README.md)
	$(BIN)/python -m benchmarks.gpu $(STAGE) --out $(GPU_OUT) --data $(DATA)

lint: $(VENV)/installed-dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict -p benchmarks
	$(BIN)/mypy --strict docs/_ext

clean: ## removes .venv, caches and the demo's outputs
	rm -rf $(VENV) $(DEMO) build dist docs/_build .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo: a small-batch and a large-batch network on the digits, lines and planes around each, the way between them.
# Each command resumes where it stopped and does nothing when it has finished.
NETWORKS := small large
small_BATCH := 32
large_BATCH := 512
TRAIN := train dataset=digits architecture=cnn epochs=40 optimizer.lr=0.2 schedule=cosine schedule.warmup=2

demo: $(VENV)/installed ## trains, sweeps, interpolates and draws on the bundled digits; ends with a page of pictures
	@set -e; for network in $(NETWORKS); do \
	  case $$network in small) batch=$(small_BATCH);; large) batch=$(large_BATCH);; esac; \
	  run=$(DEMO)/$${network}_batch; \
	  set -x; \
	  $(LANDSCAPE) $(TRAIN) batch_size=$$batch out=$$run; \
	  $(LANDSCAPE) surface run=$$run y=null out=$${run}_line.h5; \
	  $(LANDSCAPE) surface run=$$run x=-1:1:31 y=-1:1:31 out=$${run}_plane.h5; \
	  { set +x; } 2>/dev/null; \
	done; \
	set -x; \
	$(LANDSCAPE) interpolate from_run=$(DEMO)/small_batch to_run=$(DEMO)/large_batch out=$(DEMO)/interpolation.h5; \
	$(LANDSCAPE) plot file=$(DEMO)/interpolation.h5 out=$(DEMO)/interpolation.png; \
	$(LANDSCAPE) plot file=$(DEMO)/small_batch_line.h5,$(DEMO)/large_batch_line.h5 out=$(DEMO)/lines.png; \
	$(LANDSCAPE) plot file=$(DEMO)/small_batch_plane.h5,$(DEMO)/large_batch_plane.h5 out=$(DEMO)/planes.png; \
	$(LANDSCAPE) plot file=$(DEMO)/small_batch_plane.h5,$(DEMO)/large_batch_plane.h5 kind=surface3d out=$(DEMO)/planes_3d.png; \
	$(LANDSCAPE) report title="A small-batch and a large-batch solution on the digits" \
	  run=$(DEMO)/small_batch,$(DEMO)/large_batch \
	  file=$(DEMO)/interpolation.h5,$(DEMO)/small_batch_line.h5,$(DEMO)/large_batch_line.h5,$(DEMO)/small_batch_plane.h5,$(DEMO)/large_batch_plane.h5 \
	  out=$(DEMO)/index.html
