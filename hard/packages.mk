# make dist            the source archive and the wheel, in dist/: the same bytes wherever and whenever
# make test-dist       what is in them, and the tests on what they install

PACKED := dist/packed

.PHONY: dist test-dist

# The time in the archives is that of the last change.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y sockets.md)

$(VENV)/packers: $(VENV)/ready pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --group dist
	touch $@

$(PACKED): $(VENV)/packers setup.py pyproject.toml MANIFEST.in README.md sockets.md
	rm -rf dist generated/native_sockets.egg-info
	$(RUN) -m build --outdir dist . > build/dist.log 2>&1 || { cat build/dist.log; exit 1; }
	touch $@

dist: build $(PACKED)

test-dist: build $(PACKED)
	$(RUN) -m twine check --strict dist/*.tar.gz dist/*.whl
	$(VENV)/bin/check-wheel-contents dist/*.whl
	$(VENV)/bin/auditwheel show dist/*.whl
	$(VENV)/bin/abi3audit --strict dist/*.whl
	$(RUN) $(HARD_TEST) -n 2 hard/test_packages.py
	rm -rf build/installed && $(PYTHON) -m venv build/installed
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check --group test dist/*.whl
	build/installed/bin/python -c "import sockets, sys; assert sockets.__file__.startswith(sys.prefix)"
	build/installed/bin/python -m pytest -p no:cacheprovider -q -n 2
