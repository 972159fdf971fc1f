# make pythons         for test-all: PyPy, the newest CPythons, and one without its lock (as root)
#
# The first are in a tree of Debian's unstable distribution. tests/hard/pythons-packages.txt names
# what this needs.
#
# No package holds a whole free-threaded CPython for Linux. freeze-core, with which programs are
# packed, has the interpreter and its extension modules; the modules in Python, which are the same
# with the lock and without, are Debian's. tests/hard/free_threaded.c gives the interpreter its main().

SID := $(CACHE)/sid
FREE := $(CACHE)/free-threaded-3.14.9
FREE_PYTHON := $(FREE)/bin/python3.14t

.PHONY: pythons

pythons: $(FREE_PYTHON)

SID_PACKAGES := ca-certificates gcc git libc6-dev libffi-dev make netbase pkgconf pypy3-dev pypy3-venv \
	python3.14-dev python3.14-venv python3.15-dev python3.15-venv

$(SID)/ready: tests/hard/pythons.mk
	rm -rf $(SID) && mkdir -p $(SID)
	debootstrap --variant=minbase sid $(SID) > $(CACHE)/sid.log || { tail $(CACHE)/sid.log; exit 1; }
	DEBIAN_FRONTEND=noninteractive tests/hard/in_tree.sh $(SID) apt-get install -y -qq \
	    --no-install-recommends $(SID_PACKAGES) >> $(CACHE)/sid.log
	touch $@

$(FREE_PYTHON): $(SID)/ready tests/hard/free_threaded.c | $(VENV)/ready
	rm -rf $(FREE) && mkdir -p $(FREE)/bin $(FREE)/lib $(FREE)/include
	$(RUN) -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	    --platform manylinux2014_x86_64 --python-version 3.14 --implementation cp --abi cp314t \
	    --dest $(FREE)/fetched freeze-core==0.8.1
	python3 -m zipfile -e $(FREE)/fetched/*.whl $(FREE)/fetched
	cp -r $(SID)/usr/lib/python3.14 $(FREE)/lib/python3.14t
	cd $(FREE)/lib/python3.14t && rm -rf lib-dynload EXTERNALLY-MANAGED sitecustomize.py config-* \
	    _sysconfig_vars_*
	cp -r $(FREE)/fetched/freeze_core/lib $(FREE)/lib/python3.14t/lib-dynload
	cp -r $(FREE)/fetched/freeze_core.libs $(FREE)/lib
	cp -r $(SID)/usr/share/python-wheels $(FREE)/wheels
	cp -r $(SID)/usr/include/python3.14 $(FREE)/include/python3.14t
	{ cat $(SID)/usr/include/x86_64-linux-gnu/python3.14/pyconfig.h && \
	    echo '#define Py_GIL_DISABLED 1'; } > $(FREE)/include/python3.14t/pyconfig.h
	sed -e "s/'ABIFLAGS': ''/'ABIFLAGS': 't'/; s/'Py_GIL_DISABLED': 0/'Py_GIL_DISABLED': 1/" \
	    -e 's/cpython-314-/cpython-314t-/; s|/usr/include/python3.14|$(FREE)/include/python3.14t|' \
	    -e "s|'/usr/share/python-wheels|'$(FREE)/wheels|; s|'prefix': '/usr'|'prefix': '$(FREE)'|" \
	    $(SID)/usr/lib/python3.14/_sysconfigdata__linux_x86_64-linux-gnu.py \
	    > $(FREE)/lib/python3.14t/_sysconfigdata_t_linux_x86_64-linux-gnu.py
	gcc -O1 -Wall -Wextra -Werror -fPIC -shared tests/hard/free_threaded.c -o $(FREE)/lib/libmain.so -ldl
	cp $(FREE)/fetched/freeze_core/bases/console-cpython-314t-x86_64-linux-gnu $(FREE)/python
	chmod +x $(FREE)/python
	patchelf --add-needed libmain.so --set-rpath '$$ORIGIN/../lib' $(FREE)/python
	rm -rf $(FREE)/fetched && mv $(FREE)/python $@
