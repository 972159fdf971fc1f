# make bench           ours beside Python's socket and C, on this Python and on BENCH_PYTHON
# make bench-write     as make bench, and the numbers go to README.md and the picture
# make bench-servers   whole servers, beside others; with WRITE=1 the numbers go to README.md

# Another Python, the newest at hand, which may stand in a tree of its own (make pythons); with
# none, only that of the virtual environment is measured.
BENCH_IN := $(if $(wildcard $(SID)/ready),tests/hard/in_tree.sh $(SID))
BENCH_PYTHON ?= $(if $(BENCH_IN),python3.15,$(lastword \
	$(sort $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python3))))
BENCH_VENV := build/bench/$(if $(BENCH_IN),tree,venv)
BENCH_NEWEST := $(BENCH_IN) $(BENCH_VENV)/bin/python
BENCH_PIP := -m pip install --quiet --disable-pip-version-check
BENCH_RESULTS := build/bench/this.json $(if $(BENCH_PYTHON),build/bench/newest.json)
SERVER_RESULTS := build/bench/this-servers.json \
	$(if $(BENCH_PYTHON),build/bench/newest-servers.json)

.PHONY: bench bench-servers bench-write bench-measure

build/bench/floor.so: bench/floor.c
	mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

build/bench/load: bench/load.c
	mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -Werror -o $@ $<

$(BENCH_VENV): pyproject.toml
	$(BENCH_IN) $(BENCH_PYTHON) -m venv $@
	$(BENCH_NEWEST) $(BENCH_PIP) --upgrade 'pip>=25.1'
	$(BENCH_NEWEST) $(BENCH_PIP) --group build
	touch $@

# uvloop is compiled, and not for every Python; where it is not, the others are measured.
$(VENV)/loops: $(VENV)/ready
	-$(PIP) --only-binary uvloop --group loops
	touch $@

$(BENCH_VENV)/loops: $(BENCH_VENV)
	-$(BENCH_NEWEST) $(BENCH_PIP) --only-binary uvloop --group loops
	touch $@

bench-measure: build build/bench/floor.so $(if $(BENCH_PYTHON),$(BENCH_VENV))
	PYTHONPATH=generated $(RUN) bench/sockets_bench.py build/bench/floor.so build/bench/this.json
	$(if $(BENCH_PYTHON),PYTHONPATH=generated $(BENCH_NEWEST) \
	    bench/sockets_bench.py build/bench/floor.so build/bench/newest.json)

bench: bench-measure
	$(RUN) bench/report.py $(BENCH_RESULTS)

bench-write: bench-measure
	$(RUN) bench/report.py $(BENCH_RESULTS) --write
	$(PYTHON) tangle.py

# WORDS choose the rows; --quick among them only tries whether each server runs.
bench-servers: build build/bench/load $(VENV)/loops $(if $(BENCH_PYTHON),$(BENCH_VENV)/loops)
	PYTHONPATH=generated $(RUN) bench/servers_bench.py build/bench/load \
	    build/bench/this-servers.json $(WORDS)
	$(if $(BENCH_PYTHON),PYTHONPATH=generated $(BENCH_NEWEST) bench/servers_bench.py \
	    build/bench/load build/bench/newest-servers.json $(WORDS))
	$(RUN) bench/report.py $(SERVER_RESULTS) $(if $(WRITE),--write)
