# make test-cpython    CPython's own tests of sockets pass on a `socket` that is made of this library
#
# tests/hard/stock_socket.py is that class, and tests/hard/cpython-lost.txt says which tests do not
# pass, and why. The tests are those that Debian packages for its Python: cpython-packages.txt. It
# takes two minutes; ARGS="test_socket test_ftplib" runs only these modules.

CPYTHON ?= /usr/bin/python3.11

.PHONY: test-cpython

build/cpython/ready: pyproject.toml
	rm -rf build/cpython && $(CPYTHON) -m venv --without-pip build/cpython
	$(RUN) -m pip --python build/cpython/bin/python install --quiet \
	    --disable-pip-version-check --group build
	touch $@

test-cpython: build build/cpython/ready
	PYTHONPATH=$(HERE)/generated $(RUN) tests/hard/cpython.py $(HERE)/build/cpython/bin/python \
	    tests/hard/cpython-lost.txt $(ARGS)
