# make tangle   the code out of sockets.md; needs nothing but python3 (3.9 or later)
# make build    a .venv whose python imports sockets; needs a C compiler (3.10 or later)
# make test     the tests, on what was generated
# make check    that generated/ is fresh; ruff, mypy, warnings of gcc and clang

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
TANGLER := tangle.py web.py expansion.py messages.py outputs.py edits.py lines.py hygiene.py
WARNINGS := -std=c11 -Wall -Wextra -Wconversion -Wshadow -Werror

.PHONY: tangle build test check clean

tangle:
	$(PYTHON) tangle.py

# The virtual environment, with what building and testing need, pinned in pyproject.toml.
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(RUN) -m pip install --quiet --disable-pip-version-check --group build --group test
	$(RUN) -c "import sysconfig; print(sysconfig.get_path('platlib'), end='')" > $@

# The path file in it makes `import sockets` find generated/, and where the tests say so, tracebacks
# find the document: tests/places.py.
PLACES := import os, sys; folder = os.environ.get("SOCKETS_PLACES"); \
    folder and (sys.path.insert(0, folder), __import__("places"), sys.path.remove(folder))

$(VENV)/paths: $(VENV)/ready Makefile
	printf '%s\n' "$$(pwd)/generated" '$(PLACES)' > "$$(cat $<)/sockets.pth"
	touch $@

$(VENV)/checkers: $(VENV)/ready
	$(RUN) -m pip install --quiet --disable-pip-version-check --group check
	touch $@

generated/sockets/_values.py: $(VENV)/ready setup.py sockets.md $(TANGLER) | $(VENV)/paths
	$(PYTHON) tangle.py
	$(PYTHON) tangle.py --lines --force --out build/lines
	$(RUN) setup.py --quiet build_ext --inplace
	touch $@

build: generated/sockets/_values.py

test: build
	$(RUN) -m pytest -n 2 $(ARGS)

check: build $(VENV)/checkers $(VENV)/weavers
	$(PYTHON) tangle.py
	git diff --exit-code --stat -- generated
	$(RUN) -m ruff check .
	$(RUN) -m mypy $(TANGLER) weave.py identifiers.py commonweb \
	    generated/sockets generated/build_sockets.py
	MYPYPATH=generated $(RUN) -m mypy generated/examples bench
	for cc in gcc clang; do for file in socket-ffi-values sockets-stub; do \
	    $$cc $(WARNINGS) -fPIC -c generated/$$file.c -o build/$$cc-$$file.o || exit 1; done; \
	    $$cc $(WARNINGS) -fPIC -DPy_LIMITED_API=0x030A0000 \
	    -isystem $$($(RUN) -c "import sysconfig; print(sysconfig.get_path('include'))") \
	    -include Python.h -include generated/sockets-stub.c -c generated/sockets-fast.c \
	    -o build/$$cc-sockets-fast.o || exit 1; \
	done

clean:
	rm -rf build dist $(VENV) generated/*.egg-info .hypothesis .*_cache
	rm -f generated/sockets/_values.py generated/sockets/_stub*.so

# The slower tests: sanitizers, faults, leaks, fuzzing, load, real peers.
include hard/rules.mk hard/load.mk hard/packages.mk hard/pythons.mk hard/windows.mk

# The book, and its tests.
include book/rules.mk

# How fast it is.
include bench/rules.mk
