# make test-signals    signals, threads, changing buffers and reused descriptors under load
# make test-interrupts an exception before each instruction of the library; signals for SECONDS
# make test-slow-paths the same in a build that has no fast paths
# make soak            500 connections at a time for SECONDS (60), every byte accounted for
# make test-peers      nginx, redis, dnsmasq, curl and socat at the other end; peers-packages.txt

SECONDS ?= 60

.PHONY: test-signals test-interrupts test-slow-paths soak test-peers

test-signals: build
	$(RUN) -m pytest -p no:cacheprovider -q -s tests/hard/test_signals.py

test-interrupts: build
	SECONDS=$(SECONDS) $(RUN) -m pytest -p no:cacheprovider -q -s tests/hard/test_interrupts.py

test-slow-paths: build build/long/ready
	SECONDS=$(SECONDS) PYTHONPATH=$(HERE)/build/long/generated \
	    $(RUN) -m pytest -p no:cacheprovider -q -s tests/hard/test_interrupts.py

soak: build
	$(RUN) tests/hard/soak.py $(SECONDS)

test-peers: build
	$(RUN) -m pytest -p no:cacheprovider -q tests/hard/test_peers.py
