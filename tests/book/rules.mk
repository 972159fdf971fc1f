# make test-book       that the book is what it should be, in a browser and on paper

.PHONY: test-book

test-book: build weave $(VENV)/browser build/readmes/ready
	$(RUN) -m pytest -n 2 $(ARGS) tests/book

# What people write in Markdown: CommonMark's examples, and the some hundred packages, each with a
# README, that two programs bring with them. None of their code is run.
build/readmes/ready: tests/book/rules.mk
	mkdir -p build/readmes
	npm install --prefix build/readmes --no-package-lock --no-audit --no-fund --silent \
	    --ignore-scripts commonmark-spec@0.31.2 eslint@10.15.0 jest@30.5.2
	touch $@
