# make help            what there is to make
# make demo            all is set up, tangled and built; the echo server of §1 and its client talk
# make test            the tests of the sockets and of the tools
# make tangle          the code out of both documents; needs nothing but python3 (3.9 or later)
# make figures         the drawings in figures/, out of their sources, by Graphviz
# make build           a .venv whose python imports sockets; needs a C compiler (3.11 or later)
# make reference       every public name and what is said of it, as text
# make check           that generated/ is fresh; ruff, mypy, warnings of gcc and clang
# make clean           away with all that was made, .venv too

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
BUILT := generated/sockets/_values.py
VARIANT := tests/hard/build_variant.py $(BUILT)
WARNINGS := -std=c11 -Wall -Wextra -Wconversion -Wshadow -Werror

# The tests start some thousand Pythons: byte code is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test tangle figures build reference check clean

help:
	@sed -n 's/^# \(make [a-z-]*\)  */\1\t/p' $(MAKEFILE_LIST) | expand -t 21

TANGLE_RECIPES := tangle.py recipes.md --out generated/recipes

tangle:
	$(PYTHON) tangle.py
	$(PYTHON) $(TANGLE_RECIPES)

figures:
	for each in figures/*.dot; do \
	    dot -Tsvg -Gfontname=serif -Nfontname=serif -Efontname=serif -Nfontsize=12 -Efontsize=11 \
	        $$each -o $${each%dot}svg || exit 1; \
	done

reference:
	@$(PYTHON) tangle.py --reference

include tests/environments.mk

$(BUILT): $(VENV)/ready setup.py sockets.md recipes.md $(wildcard commonweb/*.py)
	$(PYTHON) tangle.py
	$(PYTHON) $(TANGLE_RECIPES)
	$(PYTHON) tangle.py --lines --force --out build/lines
	$(RUN) setup.py --quiet build_ext --inplace
	touch $@

build: $(BUILT)

# The server prints its address, which the pipe hands to the client.
demo: build
	@rm -f build/address && mkfifo build/address; \
	$(RUN) generated/examples/echo_server.py > build/address & trap "kill $$!" EXIT; \
	read -r address < build/address && \
	echo "\$$ $(RUN) generated/examples/echo_server.py &" && echo "$$address" && \
	echo "\$$ echo Hello, sockets. | $(RUN) generated/examples/echo_client.py $$address" && \
	echo Hello, sockets. | $(RUN) generated/examples/echo_client.py "$$address"

# Each worker begins with a stretch of its own, so that tests that wait run beside tests that compute.
test: build
	$(RUN) -m pytest -n 4 --dist worksteal $(ARGS)

check: build $(VENV)/checkers $(VENV)/weavers
	$(PYTHON) tangle.py --check
	$(PYTHON) $(TANGLE_RECIPES) --check
	$(RUN) -m ruff check .
	$(RUN) -m mypy commonweb generated/sockets generated/build_sockets.py
	MYPYPATH=generated $(RUN) -m mypy generated/examples generated/recipes bench
	$(RUN) tests/hard/check_c.py $(WARNINGS)
	$(RUN) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*

clean:
	rm -rf build dist $(VENV) generated/*.egg-info .hypothesis .*_cache
	rm -f $(BUILT) generated/sockets/_stub*.so

include commonweb/rules.mk tests/book/rules.mk $(wildcard tests/hard/*.mk) bench/rules.mk
