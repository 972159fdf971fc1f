# Python's environments: .venv, and those that must not have what is in it. What each of them is to
# have is a group of pyproject.toml, where the versions are pinned.

INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(RUN) $(INSTALL)

# What takes long to fetch is kept for other checkouts.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/native-sockets

# Which Python an environment is of, and in which folder. For another it is made anew, with a
# pip that knows groups.
ORIGIN := import os, re, sys; \
    oldest = re.search("requires-python = .>=([0-9.]+)", open(sys.argv[1]).read()).group(1); \
    sys.version_info < tuple(map(int, oldest.split("."))) and sys.exit( \
        "this needs Python %s or later, and $(PYTHON) is %s: name another, as in PYTHON=python3.13" \
        % (oldest, sys.version.split()[0])); \
    print(ascii((os.getcwd(), os.path.realpath(sys.executable), sys.version)))

%/origin: FORCE
	@origin=$$($(PYTHON) -c '$(ORIGIN)' $(PROJECT)pyproject.toml) || exit 1; \
	[ "$$origin" = "$$(cat $@ 2>/dev/null)" ] || { rm -rf $(@D) && $(PYTHON) -m venv $(@D) && \
	    $(@D)/bin/python $(INSTALL) --upgrade 'pip>=25.1' && printf '%s\n' "$$origin" > $@; }

.PHONY: FORCE
FORCE:

# The path file in it makes `import sockets` find generated/, and where the tests say so,
# tracebacks find the document: tests/sockets/places.py.
PLACES := import os, sys; folder = os.environ.get("SOCKETS_PLACES"); \
    folder and (sys.path.insert(0, folder), __import__("places"), sys.path.remove(folder))

$(VENV)/ready: $(VENV)/origin pyproject.toml
	$(PIP) --group build --group test
	here=$$PWD && cd $(VENV)/lib/*/site-packages && \
	    printf '%s\n' "$$here/generated" '$(PLACES)' > sockets.pth
	touch $@

$(VENV)/checkers $(VENV)/weavers $(VENV)/packers $(VENV)/browser: $(VENV)/%: $(VENV)/ready
	$(PIP) --group $*
	touch $@
