# make test-fresh      the README's first commands in fresh Debians, by an ordinary user (as root)
#
# Each system has what debootstrap calls the least, and the packages that the README names; it is kept
# as long as they are the same. One user has a clone, in Debian 12. Another, in Debian 13, has an
# archive, a folder with a name that nobody expects, and for the tests no network but loopback.
# FRESH_TESTS=tests/sockets runs only these.

FRESH := $(CACHE)/fresh
README_PACKAGES = $(shell sed -n 's/^sudo apt-get install \([a-z0-9 -]*\).*/\1/p' README.md)
NEWCOMER = su --whitelist-environment=PIP_CERT,PIP_INDEX_URL,https_proxy --login newcomer -c "bash -s"

.PHONY: test-fresh

$(FRESH)/%/ready: FORCE
	@[ "$$(cat $@ 2>/dev/null)" = "$(README_PACKAGES)" ] || { set -ex; rm -rf $(@D); mkdir -p $(@D); \
	    debootstrap --variant=minbase $* $(@D) > $(FRESH)/$*.log; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    tests/hard/in_tree.sh $(@D) apt-get install -y -qq $(README_PACKAGES) >> $(FRESH)/$*.log; \
	    echo "$(README_PACKAGES)" > $@; }

test-fresh: $(FRESH)/bookworm/ready $(FRESH)/trixie/ready
	for system in bookworm trixie; do \
	    chroot $(FRESH)/$$system sh -c "userdel --remove newcomer; useradd --create-home newcomer" \
	    || exit 1; done 2> /dev/null
	git clone --quiet . $(FRESH)/bookworm/home/newcomer/native-sockets
	git archive --prefix="it's \"new\" \$$x #1/" HEAD | tar -C $(FRESH)/trixie/home/newcomer -x
	for system in bookworm trixie; do chroot $(FRESH)/$$system chown -R newcomer /home/newcomer; done
	for commands in "make demo" "make test ARGS='$(FRESH_TESTS)'"; do \
	    echo "cd */ && time $$commands" | tests/hard/in_tree.sh $(FRESH)/bookworm $(NEWCOMER) || exit 1; done
	echo 'cd */ && time make demo' | tests/hard/in_tree.sh $(FRESH)/trixie $(NEWCOMER)
	echo "cd */ && time make test ARGS='$(FRESH_TESTS)'" | \
	    unshare --net sh -c 'ip link set lo up && exec "$$@"' -- \
	    tests/hard/in_tree.sh $(FRESH)/trixie $(NEWCOMER)
