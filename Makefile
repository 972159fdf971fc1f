# make help     what there is to make
# make tangle   the code out of sockets.md; needs nothing but python3 (3.9 or later)
# make build    a .venv whose python imports sockets; needs a C compiler (3.10 or later)
# make test     the tests of the sockets and of the tools, on what was generated
# make check    that generated/ is fresh; ruff, mypy, warnings of gcc and clang
# make clean    away with all that was made, .venv too

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check
BUILT := generated/sockets/_values.py
WARNINGS := -std=c11 -Wall -Wextra -Wconversion -Wshadow -Werror

.PHONY: help tangle build test check clean

help:
	@sed -n 's/^# \(make \)/\1/p' $(MAKEFILE_LIST)

tangle:
	$(PYTHON) tangle.py

# The virtual environment, with what building and testing need, pinned in pyproject.toml.
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	$(PIP) --group build --group test
	$(RUN) -c "import sysconfig; print(sysconfig.get_path('platlib'), end='')" > $@

# The path file in it makes `import sockets` find generated/, and where the tests say so, tracebacks
# find the document: tests/sockets/places.py.
PLACES := import os, sys; folder = os.environ.get("SOCKETS_PLACES"); \
    folder and (sys.path.insert(0, folder), __import__("places"), sys.path.remove(folder))

$(VENV)/paths: $(VENV)/ready Makefile
	printf '%s\n' "$$(pwd)/generated" '$(PLACES)' > "$$(cat $<)/sockets.pth"
	touch $@

$(BUILT): $(VENV)/ready setup.py sockets.md $(wildcard commonweb/*.py) | $(VENV)/paths
	$(PYTHON) tangle.py
	$(PYTHON) tangle.py --lines --force --out build/lines
	$(RUN) setup.py --quiet build_ext --inplace
	touch $@

build: $(BUILT)

test: build
	$(RUN) -m pytest -n 2 $(ARGS)

check: build $(VENV)/checkers $(VENV)/weavers
	$(PYTHON) tangle.py
	git diff --exit-code --stat -- generated
	$(RUN) -m ruff check .
	$(RUN) -m mypy commonweb generated/sockets generated/build_sockets.py
	MYPYPATH=generated $(RUN) -m mypy generated/examples bench
	$(RUN) tests/hard/check_c.py $(WARNINGS)

$(VENV)/checkers $(VENV)/weavers $(VENV)/packers $(VENV)/browser: $(VENV)/%: $(VENV)/ready pyproject.toml
	$(PIP) --group $*
	touch $@

clean:
	rm -rf build dist $(VENV) generated/*.egg-info .hypothesis .*_cache
	rm -f $(BUILT) generated/sockets/_stub*.so

include commonweb/rules.mk tests/book/rules.mk $(wildcard tests/hard/*.mk) bench/rules.mk
