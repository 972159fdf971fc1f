# make dist            the source archive and the wheel, in dist/: the same bytes wherever and whenever
# make test-dist       what is in them, and the tests on what they install
# make test-variants   the tests on the stub as it is compiled for other Unixes
# make test-machines   the C files by themselves, for other C libraries and processors
# make test-all        all of it, and the tests on every Python at hand; fills the README's table

PACKED := dist/packed

.PHONY: dist test-dist test-variants test-machines test-all

# The time in the archives is that of the last change.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y sockets.md)

$(PACKED): $(VENV)/packers $(shell git ls-files 2>/dev/null)
	rm -rf dist generated/native_sockets.egg-info
	$(RUN) -m build --outdir dist . > build/dist.log 2>&1 || { cat build/dist.log; exit 1; }
	touch $@

dist: build $(PACKED)

build/installed/ready: $(PACKED)
	rm -rf build/installed && $(PYTHON) -m venv build/installed
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check --group test dist/*.whl
	build/installed/bin/python -c "import sockets, sys; assert sockets.__file__.startswith(sys.prefix)"
	touch $@

test-dist: build build/installed/ready $(VENV)/checkers
	$(RUN) -m twine check --strict dist/*.tar.gz dist/*.whl
	$(VENV)/bin/check-wheel-contents dist/*.whl
	$(VENV)/bin/auditwheel show dist/*.whl
	$(VENV)/bin/abi3audit --strict dist/*.whl
	$(RUN) $(HARD_TEST) -n 2 tests/hard/test_packages.py tests/hard/test_types.py
	build/installed/bin/python -m pytest -p no:cacheprovider -q -n 2 tests/sockets

# The branches for other platforms, forced on this one, and all procedures without their fast
# paths, with all the tests that are about sockets.

VARIANT_TESTS = $(HARD_TEST) -n 2 $(STUB_TESTS) -k "not (the_build_writes_the_values_down

build/bsd/ready: $(VARIANT) tests/hard/plain.h tests/hard/bsd.h
	$(RUN) tests/hard/build_variant.py build/bsd tests/hard/plain.h tests/hard/bsd.h
	touch $@

build/long/ready: $(VARIANT) tests/hard/long.h
	$(RUN) tests/hard/build_variant.py build/long tests/hard/long.h
	touch $@

test-variants: build build/plain/ready build/bsd/ready build/long/ready
	PYTHONPATH=$(HERE)/build/long/generated $(RUN) $(VARIANT_TESTS) or fast_path)"
	PYTHONPATH=$(HERE)/build/plain/generated $(RUN) $(VARIANT_TESTS))"
	PYTHONPATH=$(HERE)/build/bsd/generated $(RUN) $(VARIANT_TESTS) \
	    or a_send_without_room_keeps_the_lock or keep_the_lock)"

# Everything on all Pythons at hand, and the C files on all machines; it fills the README's table.

PYTHONS ?= $(wildcard $(HOME)/.pyenv/versions/3.1[0-9]*/bin/python)

test-machines: build
	$(RUN) tests/hard/everywhere.py machines

test-all: dist pythons
	$(RUN) tests/hard/everywhere.py nothing
	$(RUN) tests/hard/everywhere.py machines
	$(RUN) tests/hard/everywhere.py python $(PYTHONS) $(FREE_PYTHON)
	tests/hard/in_tree.sh $(SID) python3.14 tests/hard/everywhere.py python python3.14 python3.15 pypy3
	$(MAKE) test-windows ARGS=--junitxml=build/windows.xml
	$(RUN) tests/hard/everywhere.py report "Windows x86-64, by $$(wine --version 2>/dev/null | cut -d " " -f 1)" "CPython 3.11.9" build/windows.xml
