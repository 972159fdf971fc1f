# make bench           ours beside Python's socket and C, on this Python and on BENCH_PYTHON
# make bench-write     the same, and the new numbers go to README.md, sockets.md and the picture

# Another Python, the newest at hand, which may stand in a tree of its own (make pythons); with
# none, only that of the virtual environment is measured.
BENCH_IN := $(if $(wildcard $(SID)/ready),tests/hard/in_tree.sh $(SID))
BENCH_PYTHON ?= $(if $(BENCH_IN),python3.15,$(lastword \
	$(sort $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python3))))
BENCH_VENV := build/bench/$(if $(BENCH_IN),tree,venv)
BENCH_RESULTS := build/bench/this.json $(if $(BENCH_PYTHON),build/bench/newest.json)

.PHONY: bench bench-write bench-measure

build/bench/floor.so: bench/floor.c
	mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

$(BENCH_VENV): pyproject.toml
	$(BENCH_IN) $(BENCH_PYTHON) -m venv $@
	$(BENCH_IN) $@/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BENCH_IN) $@/bin/python -m pip install --quiet --disable-pip-version-check --group build
	touch $@

bench-measure: build build/bench/floor.so $(if $(BENCH_PYTHON),$(BENCH_VENV))
	PYTHONPATH=generated $(RUN) bench/sockets_bench.py build/bench/floor.so build/bench/this.json
	$(if $(BENCH_PYTHON),PYTHONPATH=generated $(BENCH_IN) $(BENCH_VENV)/bin/python \
	    bench/sockets_bench.py build/bench/floor.so build/bench/newest.json)

bench: bench-measure
	$(RUN) bench/report.py $(BENCH_RESULTS)

bench-write: bench-measure
	$(RUN) bench/report.py $(BENCH_RESULTS) --write
	$(PYTHON) tangle.py
