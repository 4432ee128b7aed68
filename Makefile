# Everything the project does, by name. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help book test lint unit gates nbval pages browser live pdf slides mutation backends cpus course grade course-test grading notebooks serve lab lock data clean

PYTHON := .venv/bin/python
# BASE_PYTHON if it is given, else the newest usable Python: a name on the PATH is not enough
# (version managers leave empty shims, Debian a venv that cannot install pip).
BASE_PYTHON ?=
FIND_PYTHON := for p in $(BASE_PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	if $$p -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; \
	then echo $$p; exit; fi; done; \
	echo "This book needs Python 3.11, 3.12 or 3.13 with its venv module; none was found." >&2; exit 1

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The environment: the hash-pinned lock, and the two packages of src, editable. `ready` is made last, so
# that an interrupted set-up is never taken for a whole one.
.venv/ready: requirements.lock
	@[ -w . ] || { echo "This folder cannot be written, and the book is set up and built in it." >&2; exit 1; }
	@python=$$($(FIND_PYTHON)); echo "Setting up .venv with $$python (2 to 3 minutes, once)"; \
	rm -rf .venv; $$python -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PYTHON) tools/pyodide.py
	@$(PYTHON) tools/bytecode.py
	@touch $@

book: .venv/ready  ## Execute every chapter that changed and write _build/html
	@$(PYTHON) tools/book.py build

test: browser lint unit gates book nbval pages  ## Everything that CI checks

lint: .venv/ready  ## Style and common mistakes
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

unit: .venv/ready  ## The library's tests, with coverage
	@$(PYTHON) -m pytest -q -n 2 --dist loadfile --doctest-modules src tests \
	  --ignore tests/gates --ignore tests/pages --ignore tests/course --cov --cov-report=term-missing:skip-covered

gates: browser  ## Each gate of the book, shown able to fail
	@$(PYTHON) -m pytest -q -n 2 --dist worksteal tests/gates

nbval: .venv/ready  ## The committed notebooks, executed again and compared output by output
	@$(PYTHON) tools/book.py nbval

pages: browser  ## The built pages in a real browser, and what they are made of
	@$(PYTHON) -m pytest -q -n 2 --dist worksteal tests/pages

browser: .venv/ready  ## Find the Chromium that looks at the pages, or bring one
	@$(PYTHON) tools/browser.py
	@$(PYTHON) tools/bytecode.py

live: .venv/ready  ## Bring the Python that runs in the pages, where the set-up could not
	@$(PYTHON) tools/pyodide.py
	@$(PYTHON) tools/bytecode.py

pdf: book browser  ## Print the book, _build/rmsprop.pdf, and handouts of the primer
	@$(PYTHON) tools/pdf.py

slides: book browser  ## Make the decks for a class, _build/slides
	@$(PYTHON) tools/slides.py

mutation: .venv/ready  ## Mutants of the optimizers against their tests (an hour or more; not in test)
	@$(PYTHON) tools/mutation.py

cpus: .venv/ready  ## Unit tests and notebooks under every processor to be pretended (1.5 hours; not in test)
	@$(PYTHON) tools/cpus.py

# torch by itself and first: from then on Keras is content with it. On Linux its newest wheel brings
# several GB of CUDA; TORCH names a build for the CPU where pip can find one.
TORCH ?= torch
BACKENDS := _build/backends
$(BACKENDS)/ready: requirements.lock pyproject.toml
	@python=$$($(FIND_PYTHON)); echo "Setting up $(BACKENDS) with $$python"; \
	rm -rf $(BACKENDS); $$python -m venv $(BACKENDS)
	@$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check jax optax pytest pytest-timeout \
	  $$(grep -oE '^(keras|numpy)==[0-9.]+' requirements.lock)
	@touch $@

backends: $(BACKENDS)/ready  ## The Keras optimizers on JAX and torch, in an environment of their own
	@for backend in jax torch; do echo "$$backend"; \
	  KERAS_BACKEND=$$backend JAX_ENABLE_X64=1 PYTHONPATH=src $(BACKENDS)/bin/python -m pytest -q \
	  tests/rmsprop/test_keras.py tests/rmsprop/test_optimizers_keras.py tests/gates/test_benchmarks.py; done

# nbgrader lies on top of .venv, which it finds through a .pth file, and comes by the extra's own pin.
COURSE := _build/course
GRADER := $(COURSE)/venv/bin/python
NBGRADER = $$($(PYTHON) -c 'import tomllib; print(*tomllib.load(open("src/rmsbook/pyproject.toml", \
	"rb"))["project"]["optional-dependencies"]["course"])')
$(COURSE)/venv/ready: .venv/ready src/rmsbook/pyproject.toml
	@echo "Setting up nbgrader (a minute, once)"; rm -rf $(COURSE)/venv; $(PYTHON) -m venv $(COURSE)/venv
	@$(GRADER) -c 'import sys, sysconfig; from pathlib import Path; \
	  Path(sysconfig.get_path("purelib"), "book.pth").write_text(f"import site; site.addsitedir({sys.argv[1]!r})")' \
	  "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@$(GRADER) -m pip install --quiet --disable-pip-version-check $(NBGRADER)
	@mkdir -p $(COURSE)/venv/share/jupyter  # the templates of the feedback stand in .venv
	@ln -sfn $(CURDIR)/.venv/share/jupyter/nbconvert $(COURSE)/venv/share/jupyter/nbconvert
	@touch $@

course: $(COURSE)/venv/ready  ## Write _build/course: notebooks to hand out, to teach from, to grade
	@$(PYTHON) tools/course.py
	@$(GRADER) tools/release.py $(COURSE)/nbgrader

COURSE_TO_GRADE ?= $(COURSE)/nbgrader
grade: $(COURSE)/venv/ready  ## Grade what was handed in (COURSE_TO_GRADE names another folder)
	@$(GRADER) tools/grade.py $(COURSE_TO_GRADE)

grading: $(COURSE)/venv/ready  ## Broken submissions and nbgrader's own ways, tested (5 minutes; not in test)
	@$(GRADER) -m pytest -q tests/course/test_grading.py

course-test: grading  ## Every sheet of the book, graded by nbgrader (a quarter of an hour; not in test)
	@$(GRADER) -m pytest -q tests/course/test_sheets.py

notebooks: book  ## Write the paired .ipynb from the build's outputs
	@$(PYTHON) tools/book.py notebooks

serve: .venv/ready  ## Show the book and rebuild it on every save
	@$(PYTHON) tools/book.py serve

lab: .venv/ready  ## Open the chapters in JupyterLab
	@.venv/bin/jupyter lab book

lock: .venv/ready  ## Resolve the dependencies anew and derive environment.yml
	@$(PYTHON) tools/lock.py

data: .venv/ready  ## Say which data sets are at hand, and fetch what can be fetched
	@$(PYTHON) -m rmsbook.data

clean:  ## Remove what was built (not the environment)
	@rm -rf _build
