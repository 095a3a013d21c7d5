# SPDX-License-Identifier: GPL-2.0-only
#
# The verbs of ktbox. Each recipe calls scripts that do one thing each; config.mk has what may be set.
# Everything that is fetched or built lands under build/. What is missing on the machine is installed by
# scripts/need.sh, from scripts/packages.txt.

include config.mk

TARBALL  := build/download/busybox-$(BUSYBOX_VERSION).tar.bz2
BB       := $(B)/bb
APPLETS  := applets $(wildcard applets/* applets/*/*) Config.in Kbuild
ROOTFS   := $(shell find rootfs/.)
FUZZERS  := $(patsubst test/fuzz/fuzz_%.c,build/fuzz/bin/%,$(wildcard test/fuzz/fuzz_*.c))
VERBS    := all help busybox rootfs kernel kernel-6.12 kernel-generic demo run test bench bench-vng \
	    test-6.12 test-generic \
	    shell test-busybox test-sanitized fuzz mutations lint check-options deps man install uninstall torture clean
NEEDS    := need-build need-kernel need-kernel-6.12 need-demo need-run need-shell need-test need-bench \
	    need-bench-vng need-test-6.12 \
	    need-torture need-lint need-cross need-cross-test need-fuzz need-test-sanitized need-mutations

ifeq ($(filter x86_64 aarch64,$(ARCH)),)
$(error ARCH: neither x86_64 nor aarch64: $(ARCH))
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: $(VERBS) $(NEEDS)

# A guest of another architecture than this machine's: the compiler's other half, the demo's libraries, and
# the BusyBox of this machine, which ktrun uses on the host.
ifneq ($(ARCH),x86_64)
CROSS := $(B)/cross/musl-gcc
HOST_BUSYBOX := host-busybox
DEMO_CROSS := LOADER_CC=$(ARCH)-linux-gnu-gcc LOADER_LD=$(ARCH)-linux-gnu-ld LIB_ROOT=$(CURDIR)/$(B)/cross/root

$(CROSS): scripts/fetch-cross.sh | need-cross
	@scripts/fetch-cross.sh $(B)/cross $(CROSS_SUITES)

.PHONY: host-busybox
host-busybox:
	@$(MAKE) -s --no-print-directory ARCH=x86_64 busybox
endif

all: busybox rootfs ## build the guest: build/busybox and build/initramfs.cpio (ARCH=aarch64: in build/aarch64)

help: ## list the verbs
	@sed -n 's/^\([a-z0-9.-]*\):[^#]*## /\1\t/p' Makefile | expand -t 16

busybox: $(B)/busybox ## build the static BusyBox with the kt applets

rootfs: $(B)/initramfs.cpio ## pack the base initramfs

kernel: need-kernel ## find or fetch a sched_ext kernel: build/kernel/image
	@scripts/find-kernel.sh $(B)/kernel "$(KERNEL)" "$(KERNEL_CONFIG)" "$(KERNEL_PACKAGE)" "$(KERNEL_SUITES)"

kernel-generic: need-kernel ## fetch Debian's generic kernel with 9p as modules (125 MB): build/kernel-generic/
	@MODULES="$(GENERIC_MODULES)" scripts/find-kernel.sh build/kernel-generic "" "" "$(GENERIC_PACKAGE)" \
		"$(KERNEL_SUITES)"

kernel-6.12: build/kernel-6.12/image ## build the oldest kernel with sched_ext, for its tests: build/kernel-6.12/image

demo: need-demo $(CROSS) ## build the demo scheduler: build/scx_demo
	@$(MAKE) -s --no-print-directory -C examples/scx_demo OUT=$(CURDIR)/$(B)/scx_demo $(DEMO_CROSS)

run: need-run all demo kernel ## two VMs: the demo scheduler passes, then dies, and the report shows it
	@scripts/demo-run.sh

ifeq ($(ARCH),x86_64)
test: need-test all man build/bb-plain/busybox $(FUZZERS) demo kernel ## all tests; with ARCH=aarch64 a smaller set
	@test/run
else
test: need-test need-cross-test all demo kernel
	@KT_ROOT=$(CURDIR)/test/$(ARCH) KT_BUSYBOX=$(CURDIR)/test/$(ARCH)/busybox test/run
endif

bench: need-bench all build/bb-plain/busybox demo kernel ## what ktbox costs, beside baselines (BENCH=PATTERN, BENCH_QUICK=1, SVG=FILE)
	@BENCH_QUICK="$(BENCH_QUICK)" SVG="$(SVG)" test/bench/run $(BENCH)

bench-vng: need-bench-vng all kernel ## ktrun beside virtme-ng, in a Debian root made for it: build/vng-root (as root; 700 MB)
	@scripts/fetch-vng-root.sh build/vng-root "$$(cat build/kernel/version)" $(KERNEL_SUITES)
	@VNG_ROOT=$(CURDIR)/build/vng-root BENCH_QUICK="$(BENCH_QUICK)" test/bench/run vng

test-6.12: need-test-6.12 all demo kernel kernel-6.12 ## the tests of large dumps on the 6.12 kernel
	@KT_DUMP_KERNEL=$(CURDIR)/build/kernel-6.12/image test/run dump_size

torture: need-torture all $(FUZZERS) demo kernel ## about TORTURE_MINUTES (30) of faults at random moments: KT_SEED gives them again
	@test/fault/run

test-busybox: need-build build/busybox build/bb-plain/busybox ## BusyBox's own tests, on ours and unpatched
	@mkdir -p build/bb-suite && cp build/busybox $(BB)/obj/.config build/bb-suite
	@scripts/test-busybox.sh build/bb-plain/src build/bb-plain build/bb-suite

test-generic: need-test all kernel-generic ## the tests of shared folders and modules on the generic kernel
	@KT_ROOT=$(CURDIR)/test/generic test/run

shell: need-shell all kernel ## a shell in the guest
	@KTRUN_KERNEL=$(CURDIR)/$(B)/kernel/image host/ktrun --shell

test-sanitized: need-test-sanitized build/busybox-san ## the applets' unit tests with ASan and UBSan
	@ASAN_OPTIONS=detect_leaks=0 KT_BUSYBOX=$(CURDIR)/build/busybox-san KT_SANITIZED=1 \
		test/run unit/ktd unit/ktex unit/kth unit/ktl unit/ktp unit/ktrec unit/kts

fuzz: need-fuzz $(FUZZERS) ## fuzz what reads from outside, FUZZ_SECONDS (60) each (FUZZ=reader: that alone)
	@test/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

mutations: need-mutations all demo kernel ## break the code in many places, one at a time: a test must see each (MUTATION=WORD)
	@test/mutations/run $(MUTATION)

lint: need-lint build/busybox ## check every shell script, and the applets' C with three analysers
	@scripts/lint.sh
	@scripts/lint-c.sh $(BB) gcc-analyzer
	@scripts/lint-c.sh $(BB) clang-tidy
	@scripts/lint-c.sh $(BB) cppcheck

check-options: $(BB)/patched | need-build ## turn each kt option off alone and build the rest
	@scripts/check-options.sh $(BB) busybox.config $(JOBS)

deps: ## install the packages that any verb needs (but for kernel-6.12)
	@scripts/need.sh build kernel demo run test lint

man: build/man/ktrun.1 ## the manual pages: build/man

install: all man ## put ktbox under PREFIX (/usr/local); DESTDIR goes in front
	@DESTDIR="$(DESTDIR)" scripts/install.sh "$(PREFIX)" "$(VERSION)"

uninstall: ## take away what install has put there
	@DESTDIR="$(DESTDIR)" scripts/install.sh -u "$(PREFIX)"

clean: ## remove all that was built or fetched
	rm -rf build

# The groups of packages that a verb needs, all at once: the group of its name, and those of what it builds.
groups             = $(@:need-%=%)
need-cross: groups = build cross
need-kernel-6.12: groups = kernel kernel-6.12
need-run:   groups = build kernel demo run
need-shell: groups = build kernel run
need-lint:  groups = build lint
need-fuzz:  groups = build fuzz test
need-test-sanitized: groups = build fuzz test
need-test:  groups = build kernel demo run test lint fuzz
need-mutations: groups = build kernel demo run test
need-torture: groups = build kernel demo run test fuzz
need-bench: groups = build kernel demo run test
need-bench-vng: groups = build kernel run vng
need-test-6.12: groups = build kernel kernel-6.12 demo run test
$(NEEDS):
	@scripts/need.sh $(groups)

# The BusyBox chain: tarball, patched tree, configuration, binary. The scripts that do the work are
# prerequisites, so that a change in the way of building is a change of the source.

$(TARBALL): config.mk scripts/fetch-busybox.sh | need-build
	@scripts/fetch-busybox.sh $(BUSYBOX_VERSION) $(BUSYBOX_SHA256) $@ "$(BUSYBOX_TARBALL)"

$(BB)/patched: $(CROSS) $(TARBALL) patches $(wildcard patches/*.patch) scripts/unpack-busybox.sh | need-build
	@scripts/unpack-busybox.sh $(TARBALL) patches $(BB)
	@touch $@

# The copy of the applets in BusyBox's tree. It is configured again only when their //config: lines (menu) have
# changed.
$(BB)/synced: $(BB)/patched $(APPLETS) scripts/sync-applets.sh
	@scripts/sync-applets.sh $(BB)
	@touch $@

$(BB)/menu: $(BB)/synced ;

$(BB)/configured: $(BB)/menu busybox.config scripts/configure-busybox.sh scripts/busybox-make.sh
	@scripts/configure-busybox.sh $(BB)/src $(BB)/obj busybox.config
	@touch $@

$(B)/busybox: $(BB)/configured $(BB)/synced scripts/build-busybox.sh | need-build
	@scripts/build-busybox.sh $(BB)/src $(BB)/obj $(JOBS) $@

build/busybox-san: build/busybox scripts/build-sanitized.sh | need-fuzz
	@scripts/build-sanitized.sh $(BB) build/bb/san $(JOBS) $@

$(FUZZERS): build/fuzz/bin/%: build/busybox-san test/fuzz/fuzz_%.c test/fuzz/input.h test/fuzz/shim.c \
		scripts/build-fuzzer.sh
	@scripts/build-fuzzer.sh $(BB) build/bb/san $* $@

build/bb-plain/busybox: $(BB)/configured scripts/build-plain-busybox.sh | need-build
	@scripts/build-plain-busybox.sh $(TARBALL) $(BB) build/bb-plain $(JOBS)

$(B)/initramfs.cpio: $(B)/busybox $(ROOTFS) scripts/pack-initramfs.sh | need-build $(HOST_BUSYBOX)
	@scripts/pack-initramfs.sh $(B)/busybox rootfs $(B)/rootfs $@ build/busybox

build/man/ktrun.1: build/busybox $(APPLETS) host/ktrun $(wildcard host/lib/*.sh docs/man/*) config.mk \
		scripts/make-manual.sh scripts/manual-page.awk
	@scripts/make-manual.sh build/man build/busybox "$(VERSION)"

# Built once, in a quarter of an hour; a fetched source stays.

build/kernel-6.12/image: scripts/kernel-6.12.config scripts/build-kernel-6.12.sh | need-kernel-6.12
	@scripts/build-kernel-6.12.sh build/kernel-6.12 build/kernel-6.12.build \
		"$(SOURCE_6.12_PACKAGE)" "$(SOURCE_6.12_SUITES)" $(JOBS)
