# make dist            source archives and wheels of the library and the tools, the same bytes always
# make wheel           the wheel that an index takes, checked and named by auditwheel, in dist/
# make test-dist       what is in them; each installs by itself, and its tests run from it
# make test-variants   the tests on the stub as it is compiled for other Unixes
# make test-machines   the C files by themselves, for other C libraries and processors
# make test-all        all of it, and the tests on every Python at hand; fills the README's table

.PHONY: dist wheel test-dist test-variants test-machines test-all

# The time in the archives is that of the last change.
dist: build $(VENV)/packers
	rm -rf dist generated/native_sockets.egg-info
	export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || \
	    stat -c %Y sockets.md)}; for project in . commonweb; do \
	    $(RUN) -m build --outdir dist $$project > build/dist.log 2>&1 || { cat build/dist.log; exit 1; }; done

# For musl, and for other systems, .github/workflows/wheels.yml makes wheels where they are.
wheel: dist
	PATH="$$PWD/$(VENV)/bin:$$PATH" $(RUN) -m auditwheel repair --wheel-dir build/wheel \
	    dist/native_sockets-*.whl
	rm dist/native_sockets-*.whl && mv build/wheel/*.whl dist

# Two empty environments; in that of the tools there is no compiler to be found. Those of the
# library run where UTF-8 is not what the locale has.
LATIN := LOCPATH="$$OLDPWD"/build/locale LC_ALL=en_US.ISO-8859-1

build/locale/en_US.ISO-8859-1:
	mkdir -p $(@D)
	localedef -i en_US -f ISO-8859-1 $@

build/library/origin: PROJECT :=
build/web/origin: PROJECT := commonweb/

test-dist: dist $(VENV)/checkers build/library/origin build/web/origin build/locale/en_US.ISO-8859-1
	$(RUN) -m twine check --strict dist/*
	$(RUN) -m check_wheel_contents dist/*.whl
	$(RUN) -m auditwheel show dist/native_sockets-*.whl
	$(RUN) -m abi3audit --strict dist/native_sockets-*.whl
	rm -rf build/unpacked && mkdir build/unpacked
	for archive in dist/*.tar.gz; do tar -C build/unpacked -xzf "$$archive" || exit 1; done
	cd build/unpacked/native_sockets-* && ../../library/bin/python $(INSTALL) --group test .
	cd build/unpacked/commonweb-* && PATH="$$PWD/../../web/bin" && python $(INSTALL) --group test .
	$(RUN) $(HARD_TEST) -n 2 tests/hard/test_packages.py tests/hard/test_types.py tests/hard/test_hooks.py
	cd build/unpacked/native_sockets-* && $(LATIN) ../../library/bin/python $(HARD_TEST) -n 4 tests/sockets
	cd build/unpacked/commonweb-* && PATH="$$PWD/../../web/bin" && python $(HARD_TEST) -n 2

# The branches for other platforms, forced on this one, and all procedures without their fast
# paths, with all the tests that are about sockets, but for what the platform's name decides.

VARIANT_TESTS = $(HARD_TEST) -n 4 $(STUB_TESTS) -k "not (the_build_writes_the_values_down \
	or it_exists_where_it_is_said_to or a_predicate_says_what_it_tells

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
	    or a_send_without_room_keeps_the_lock or keep_the_lock or lock_kept or as_waiting \
	    or only_while_several or calls_that_wait_in_each)"

# Everything on all Pythons at hand, and the C files on all machines; it fills the README's table.

PYTHONS ?= $(wildcard $(HOME)/.pyenv/versions/3.1[1-9]*/bin/python)

test-machines: build
	$(RUN) tests/hard/everywhere.py machines

test-all: dist pythons
	$(RUN) tests/hard/everywhere.py nothing
	$(RUN) tests/hard/everywhere.py machines
	$(RUN) tests/hard/everywhere.py python $(PYTHONS) $(FREE_PYTHON)
	tests/hard/in_tree.sh $(SID) python3.14 tests/hard/everywhere.py python python3.14 python3.15 pypy3
	$(MAKE) test-windows ARGS=--junitxml=build/windows.xml
	$(RUN) tests/hard/everywhere.py report "Windows x86-64, by $$(wine --version 2>/dev/null | cut -d " " -f 1)" "CPython 3.11.9" build/windows.xml
