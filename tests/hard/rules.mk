# Slower tests, for what the light ones cannot show. Each target ends by itself, prints what
# is wrong, and writes nothing outside of build/. tests/hard/packages.txt names what they need.
#
# make test-asan       all tests on a stub with AddressSanitizer and UndefinedBehaviorSanitizer
# make test-tsan       the stub in many threads under ThreadSanitizer, from C and from Python
# make test-valgrind   a choice of tests under memcheck
# make test-leaks      memory and descriptors stay flat over very many calls
# make test-trust      classes that lie, private parts, exceptions at every step
# make test-growth     reading and checking a web takes time that grows with it
# make test-debug      what C makes, on a Python with its own checks, references counted
# make test-faults     each system call of the stub fails in each way its manual page names
# make test-tanglers   noweb and Entangled make the same files of sockets.md
# make bench-tangle    how long tangling takes, beside other tanglers; PATIENT=1 leaves out nothing
# make coverage        which lines of sockets.md the tests run
# make fuzz            arbitrary bytes for whatever reads addresses, for SECONDS (60)
# make test-hard       the tests of these, one after the other

SECONDS ?= 60
HERE := "$$PWD"
STRICT_C := -std=gnu11 -Wall -Wextra -Wshadow
HARD_TEST := -m pytest -p no:cacheprovider -q

# Coverage, of the document: tests/sockets/places.py tells coverage.py where its code was written.

coverage: build
	$(PIP) --group coverage
	PYTHONPATH=tests/sockets $(RUN) -m coverage run -m pytest -p no:cacheprovider -q tests/sockets
	PYTHONPATH=tests/sockets $(RUN) -m coverage report --show-missing

# Other tanglers, for one of which there is no package in Debian; it is passed over if it does
# not install.

ENTANGLED := build/entangled/bin/python

ENTANGLED_RUN = ENTANGLED=$$($(ENTANGLED) -c 'import entangled' && echo $(HERE)/$(ENTANGLED))

build/entangled/tried: build/entangled/origin
	-$(ENTANGLED) $(INSTALL) entangled-cli==2.1.13
	touch $@

test-tanglers: build build/entangled/tried
	$(ENTANGLED_RUN) $(RUN) $(HARD_TEST) tests/hard/test_tanglers.py

bench-tangle: build/entangled/tried
	$(ENTANGLED_RUN) $(PYTHON) tests/hard/bench_tangle.py build/bench $(LINES)

.PHONY: test-hard test-asan test-tsan test-valgrind test-leaks test-faults test-trust test-debug
.PHONY: test-tanglers test-growth
.PHONY: bench-tangle coverage fuzz

test-hard: test-asan test-tsan test-valgrind test-leaks test-faults test-trust test-debug \
	test-growth test-tanglers fuzz

# What C is handed. The same under AddressSanitizer is a part of test-asan.

test-trust: build
	PYTHONPATH=$(HERE)/generated $(RUN) $(HARD_TEST) -n 2 tests/hard/test_trust.py \
	    tests/hard/test_control.py

test-growth: $(VENV)/ready
	$(RUN) $(HARD_TEST) -n 2 tests/hard/test_growth.py

# A CPython that was built with Py_DEBUG, in development mode: it checks what C hands to it, and
# counts all references. To be counted, those of the extension and of cffi have to be compiled for it.

DEBUG_PYTHON ?= python3-dbg
# Those in which C makes and frees objects of Python.
DEBUG_TESTS = $(patsubst %,tests/sockets/test_%.py,ancillary closing datagrams descriptors dropping \
	fast many options records streams) tests/hard/test_trust.py

build/debug/ready: pyproject.toml $(VARIANT)
	rm -rf build/debug && $(DEBUG_PYTHON) -m venv --without-pip build/debug
	$(RUN) -m pip --python build/debug/bin/python install --quiet --disable-pip-version-check \
	    --no-binary cffi --group build --group test
	build/debug/bin/python tests/hard/build_variant.py build/debugged
	touch $@

test-debug: build build/debug/ready
	PYTHONDEVMODE=1 PYTHONPATH=$(HERE)/build/debugged/generated build/debug/bin/python \
	    $(HARD_TEST) -n 2 --timeout 300 -k "not ($(MEASURE_MEMORY) or the_build_writes_the_values_down)" \
	    $(DEBUG_TESTS)

# AddressSanitizer. Python's own allocator is switched off, so that every object of Python is a
# block with bounds of its own. What is reported goes into files: tests may expect a process to
# fail, but none of them expects a report.

ASAN := $(HERE)/build/asan
ASAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
ASAN_LIBRARY = $(shell gcc -print-file-name=libasan.so)
ASAN_QUARANTINE := 64
# The search for leaks runs where it is tested itself. In all tests it would be of no use: its
# tracer crashes at the end of some processes that timers have interrupted, and what the stub
# loses, test-valgrind and test-leaks see.
ASAN_LEAKS := 0
ASAN_RUN = env LD_PRELOAD=$(ASAN_LIBRARY) PYTHONPATH=$(ASAN)/generated PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=$(ASAN_LEAKS):quarantine_size_mb=$(ASAN_QUARANTINE):log_path=\""$$PWD"/build/asan/reports/report\" \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=\""$$PWD"/build/asan/reports/report\" \
	LSAN_OPTIONS=suppressions=\""$$PWD"/tests/hard/leaks.supp\":print_suppressions=0

build/asan/ready: $(VARIANT)
	ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$(ASAN_LIBRARY) CFLAGS="-O1 -g -fno-omit-frame-pointer $(ASAN_FLAGS)" \
	    LDFLAGS="$(ASAN_FLAGS)" $(RUN) tests/hard/build_variant.py build/asan
	touch $@

# Not run: a test that asks for more memory than there can be, which is an error by itself here.
# The tests that measure resident memory run by themselves, without the sanitizer's quarantine:
# it keeps what has been freed, which is what they would see.
MEASURE_MEMORY := lose_nothing or loses_nothing or are_freed_whatever_happens

# Nor the tests of the document and of what is said about it.
STUB_TESTS = $(filter-out $(patsubst %,tests/sockets/test_%.py,checkout places document readme), \
	$(wildcard tests/sockets/test_*.py))

test-asan: build build/asan/ready
	rm -rf build/asan/reports && mkdir build/asan/reports
	$(MAKE) --no-print-directory alarm-asan ASAN_LEAKS=1
	$(ASAN_RUN) $(RUN) $(HARD_TEST) -p tests.hard.sanitized -n 2 \
	    -k "not ($(MEASURE_MEMORY) or beyond_all_memory or no_memory_for_more)" $(STUB_TESTS) tests/hard/test_trust.py
	$(MAKE) --no-print-directory measure-asan ASAN_QUARANTINE=0
	@if [ -n "$$(ls build/asan/reports)" ]; then cat build/asan/reports/*; exit 1; fi
	@echo "test-asan: no report"

.PHONY: alarm-asan measure-asan
alarm-asan:
	$(ASAN_RUN) $(RUN) $(HARD_TEST) -p tests.hard.sanitized tests/hard/test_alarm.py

measure-asan:
	$(ASAN_RUN) $(RUN) $(HARD_TEST) -p tests.hard.sanitized -k "$(MEASURE_MEMORY)" tests/sockets

# Faults, twice: in the stub as it is here, and in one compiled as for a platform without accept4.

build/faults/shim.so: tests/hard/shim.c
	mkdir -p build/faults
	gcc $(STRICT_C) -O1 -fPIC -shared $< -o $@

build/plain/ready: $(VARIANT) tests/hard/plain.h
	$(RUN) tests/hard/build_variant.py build/plain tests/hard/plain.h
	touch $@

test-faults: build build/faults/shim.so build/plain/ready
	LD_LIBRARY_PATH=$(HERE)/build/faults LD_PRELOAD=shim.so PYTHONPATH=$(HERE)/generated \
	    $(RUN) $(HARD_TEST) -n 2 tests/hard/test_faults.py
	LD_LIBRARY_PATH=$(HERE)/build/faults LD_PRELOAD=shim.so PYTHONPATH=$(HERE)/build/plain/generated \
	    $(RUN) $(HARD_TEST) -n 2 tests/hard/test_faults.py

# Leaks. One arena for the C library's allocator, so that its figures mean the same all along.

test-leaks: build
	env PYTHONPATH=$(HERE)/generated MALLOC_ARENA_MAX=1 $(RUN) $(HARD_TEST) --timeout 300 -n 2 tests/hard/test_leaks.py

# Memcheck. It is thirty times slower and runs one thread at a time. So: the tests in which bytes
# and addresses of all sizes go both ways through the stub, and those that read what the C library
# has allocated; not those that count, wait for signals, or start other programs.

VALGRIND_TESTS := tests/sockets/test_datagrams.py tests/sockets/test_many.py tests/sockets/test_protocols.py \
	tests/sockets/test_streams.py
VALGRIND_CHOICE := not ($(MEASURE_MEMORY)) and not beyond_all_memory and not thread \
	and not inherit and not broken_pipe and not nobody_else_holds

test-valgrind: build
	rm -rf build/valgrind && mkdir -p build/valgrind
	env PYTHONPATH=$(HERE)/generated PYTHONMALLOC=malloc valgrind --quiet --error-exitcode=99 --num-callers=20 \
	    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
	    --fair-sched=yes --suppressions=tests/hard/valgrind.supp --log-file=build/valgrind/%p.log \
	    $(RUN) $(HARD_TEST) --timeout 300 -k "$(VALGRIND_CHOICE)" $(VALGRIND_TESTS) \
	    || { cat build/valgrind/*.log; exit 1; }
	@! grep -hE -A12 "Invalid|ninitialised|lost in|Mismatched|overlap" build/valgrind/*.log
	@echo "test-valgrind: no report"

# ThreadSanitizer, which wants its addresses where they are not randomised. In Python only the
# stub is compiled for it, so only reports that name the stub count.

TSAN := $(HERE)/build/tsan
TSAN_LIBRARY = $(shell gcc -print-file-name=libtsan.so)
TSAN_PROGRAMS := $(foreach cc,gcc clang,$(foreach program,threads closing without_lock, \
	build/threads/$(program)-$(cc)))
TSAN_TESTS := tests/sockets/test_lock.py tests/sockets/test_blocking.py tests/sockets/test_closing.py \
	tests/sockets/test_streams.py tests/sockets/test_datagrams.py tests/sockets/test_many.py tests/sockets/test_resolver.py \
	tests/sockets/test_protocols.py tests/sockets/test_real_use.py
TSAN_RUN = setarch -R env LD_PRELOAD=$(TSAN_LIBRARY) PYTHONPATH=$(TSAN)/generated \
	TSAN_OPTIONS=exitcode=0:die_after_fork=0:log_path=\""$$PWD"/build/tsan/reports/report\"

build/threads/%-gcc build/threads/%-clang: tests/hard/%.c generated/sockets-stub.c
	mkdir -p build/threads
	for cc in gcc clang; do \
	    $$cc $(STRICT_C) -O1 -g -fsanitize=thread $< -o build/threads/$*-$$cc || exit 1; done

build/threads/without_lock-%: tests/hard/closing.c generated/sockets-stub.c
	mkdir -p build/threads
	$* $(STRICT_C) -O1 -g -fsanitize=thread -DWITHOUT_LOCK $< -o $@

build/tsan/ready: $(VARIANT)
	TSAN_OPTIONS=report_bugs=0 LD_PRELOAD=$(TSAN_LIBRARY) CFLAGS="-O1 -g -fsanitize=thread" \
	    LDFLAGS=-fsanitize=thread setarch -R $(RUN) tests/hard/build_variant.py build/tsan
	touch $@

test-tsan: build $(TSAN_PROGRAMS) build/tsan/ready
	rm -rf build/tsan/reports && mkdir build/tsan/reports
	for program in $(TSAN_PROGRAMS); do setarch -R $$program || exit 1; done
	$(TSAN_RUN) $(RUN) $(HARD_TEST) -p tests.hard.sanitized tests/hard/test_alarm.py
	$(TSAN_RUN) $(RUN) $(HARD_TEST) -p tests.hard.sanitized -n 2 \
	    -k "not ($(MEASURE_MEMORY) or beyond_all_memory or no_memory_for_more)" \
	    $(TSAN_TESTS)
	@if grep -rl _stub build/tsan/reports; then cat $$(grep -rl _stub build/tsan/reports); exit 1; fi
	@echo "test-tsan: no report"

# Fuzzing: first the C, then the Python, for SECONDS each. What is found stays in build/fuzz.

build/fuzz/addresses: tests/hard/fuzz_addresses.c generated/sockets-stub.c
	mkdir -p build/fuzz/corpus
	clang $(STRICT_C) -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer $(ASAN_FLAGS) \
	    $< -o $@

fuzz: build build/fuzz/addresses
	cd build/fuzz && ASAN_OPTIONS=quarantine_size_mb=16 ./addresses -max_total_time=$(SECONDS) \
	    -max_len=512 -timeout=10 -verbosity=0 -print_final_stats=1 corpus
	SECONDS=$(SECONDS) PYTHONPATH=$(HERE)/generated $(RUN) $(HARD_TEST) -n 2 tests/hard/test_fuzz.py
