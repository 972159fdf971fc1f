# make test-book      what the book is made of; wants the group "weave" of pyproject.toml

.PHONY: test-book

$(VENV)/weavers: $(VENV)/ready
	$(RUN) -m pip install --quiet --disable-pip-version-check --group weave
	touch $@

test-book: $(VENV)/weavers
	$(RUN) -m pytest -n 2 $(ARGS) book
