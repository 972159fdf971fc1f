# make test-book       that the book is what it should be, in a browser and on paper

.PHONY: test-book

test-book: build weave $(VENV)/browser
	$(RUN) -m pytest -n 2 $(ARGS) tests/book
