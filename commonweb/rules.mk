# make weave           the books and the reference: sockets.html and recipes.html in build/book
# make test-tools      the tools' tests, with neither a compiler nor sockets (3.9 or later)
#
# The book wants the group "weavers" of pyproject.toml, npm for the fonts in
# tests/book/package.json, and the Debian packages in tests/book/packages.txt.

.PHONY: weave test-tools

weave: $(VENV)/weavers build/fonts/ready
	$(RUN) -m commonweb weave recipes.md
	$(RUN) -m commonweb weave sockets.md

build/tools/origin: PROJECT := commonweb/

build/tools/ready: build/tools/origin pyproject.toml
	build/tools/bin/python $(INSTALL) --group test-tools
	touch $@

test-tools: build/tools/ready
	PATH="$$PWD/build/tools/bin" build/tools/bin/python -m pytest -n 2 $(ARGS) tests/tools

# The fonts, cut down to the signs that a book in English about programs needs. Source Serif's
# cut for small text and Source Code have letters of one height; angle brackets they have not.
# Without their hints, which are for screens of few pixels, they take a fifth less. What is set off,
# in bold or italics, has fewer signs; the others are then of the reader's own font.
FONTS := source-serif/TTF/SourceSerif4SmText-Regular source-serif/TTF/SourceSerif4SmText-It \
	source-serif/TTF/SourceSerif4SmText-Semibold source-serif/TTF/SourceSerif4Display-Semibold \
	source-code-pro/TTF/SourceCodePro-Regular source-code-pro/TTF/SourceCodePro-It \
	source-code-pro/TTF/SourceCodePro-Semibold
SIGNS := U+20-7E,U+A0,U+A3,U+A7,U+A9,U+AB,U+AC,U+B0-B3,U+B5-B7,U+B9,U+BB,U+C4-C7,U+C9,U+D6-D8,U+DC,U+DF-FC,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2032-2033,U+20AC,U+2122,U+2190-2193,U+2212,U+2248,U+2260-2261,U+2264-2265,U+25B8,U+25BE
FEWER := U+20-7E,U+A0,U+A9,U+AB,U+B7,U+BB,U+C4,U+D6,U+DC,U+DF,U+E4,U+E9,U+F6,U+FC,U+2010-2026,U+2190-2193,U+2212
BRACKETS := U+2190-2193,U+2261,U+25B8,U+25BE,U+27E8-27E9
SUBSET := $(RUN) -m fontTools.subset --flavor=woff2 --no-hinting

build/npm/ready: tests/book/package.json
	mkdir -p build/npm && cp $< build/npm
	npm install --prefix build/npm --no-package-lock --no-audit --no-fund --silent
	touch $@

build/fonts/ready: build/npm/ready $(VENV)/weavers commonweb/rules.mk
	mkdir -p build/fonts
	for font in $(FONTS); do \
	    case $$font in *Text-Regular|*Pro-Regular) signs=$(SIGNS);; *) signs=$(FEWER);; esac; \
	    $(SUBSET) build/npm/node_modules/$$font.ttf --unicodes=$$signs \
	        --layout-features=kern,liga,onum \
	        --output-file=build/fonts/$$(basename $$font).woff2 || exit 1; \
	done
	$(SUBSET) build/npm/node_modules/@fontsource/noto-sans-math/files/noto-sans-math-latin-400-normal.woff2 \
	    --unicodes=$(BRACKETS) --layout-features= --output-file=build/fonts/NotoSansMath-Regular.woff2
	touch $@
