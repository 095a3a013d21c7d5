# SPDX-License-Identifier: GPL-2.0-only
#
# The targets of ktbox; `make help` lists them. Each recipe calls scripts that do one thing each, and config.mk
# has what may be set. Everything that is fetched or built lands under build/. scripts/need.sh installs what is
# missing on the machine, from scripts/packages.txt.

include config.mk

TARBALL  := build/download/busybox-$(BUSYBOX_VERSION).tar.bz2
BB       := $(B)/bb
APPLETS  := applets $(wildcard applets/* applets/*/*) Config.in Kbuild
ROOTFS   := $(shell find rootfs/.)
FUZZERS  := $(patsubst test/deep/fuzz/fuzz_%.c,build/fuzz/bin/%,$(wildcard test/deep/fuzz/fuzz_*.c))
TARGETS  := all help run shell kernel install uninstall clean \
	    check test lint busybox rootfs demo debug size compile_commands.json man deps bench \
	    kernel-generic kernel-6.12 kernel-crash kernel-checked test-crash kernel-options test-options \
	    schedulers test-schedulers kernel-debug test-post-mortem test-all test-sanitized test-busybox \
	    test-generic test-6.12 check-options \
	    fuzz mutations torture bench-vng
NEEDS    := need-build need-kernel need-kernel-6.12 need-kernel-crash need-kernel-checked need-test-crash \
	    need-kernel-options need-test-options need-schedulers need-test-schedulers need-test-post-mortem \
	    need-demo need-run need-shell need-check need-test need-bench \
	    need-bench-vng need-test-6.12 \
	    need-torture need-lint need-cross need-cross-test need-fuzz need-test-sanitized need-mutations

ifeq ($(filter x86_64 aarch64,$(ARCH)),)
$(error ARCH: neither x86_64 nor aarch64: $(ARCH))
endif

ifneq ($(words [$(CURDIR)]),1)
$(error the path of this tree has a blank, with which neither make nor Kbuild can work: $(CURDIR))
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# One target at a time, also with -j: the build of BusyBox uses $(JOBS) processors by itself, two apt-get would wait
# for each other, and tests measure time.
.NOTPARALLEL:
.PHONY: $(TARGETS) $(NEEDS)

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

##@ Use

run: need-run all demo kernel ## run two VMs: the demo scheduler passes, then dies, and the report shows it
	@scripts/demo-run.sh

all: busybox rootfs ## build the guest, build/busybox and build/initramfs.cpio (ARCH=aarch64: in build/aarch64)

kernel: need-kernel ## find or fetch a sched_ext kernel, build/kernel/image
	@MODULES="$(KERNEL_MODULES)" scripts/find-kernel.sh $(B)/kernel "$(KERNEL)" "$(KERNEL_CONFIG)" \
		"$(KERNEL_PACKAGE)" "$(KERNEL_SUITES)"

shell: need-shell all kernel ## start a shell in the guest
	@KTRUN_KERNEL=$(CURDIR)/$(B)/kernel/image host/ktrun --shell

install: all man ## install ktbox under PREFIX (/usr/local), with DESTDIR in front of it
	@DESTDIR="$(DESTDIR)" scripts/install.sh "$(PREFIX)" "$(VERSION)"

##@ Develop

ifeq ($(T),)
check: need-check all demo kernel man ## check a change in a minute: lint what changed, run the fast tests (T=ktexec: all tests of that)
	@scripts/lint.sh --changed
	@KT_BOOT_SHELLS=ash test/run --fast
else
# What only some tests need is built and installed for those.
check: $(if $(strip $(foreach part,slow vm shell,$(findstring $(part),$(T)))),need-test,need-check) all demo kernel man \
		$(if $(strip $(foreach part,slow busybox,$(findstring $(part),$(T)))),build/bb-plain/busybox) \
		$(if $(strip $(foreach part,slow fuzz,$(findstring $(part),$(T)))),$(FUZZERS))
	@test/run $(T)
endif

ifeq ($(ARCH),x86_64)
test: need-test all man build/bb-plain/busybox $(FUZZERS) demo kernel ## run all tests but the deep ones (ARCH=aarch64: a smaller set)
	@test/run
else
test: need-test need-cross-test all demo kernel
	@KT_ROOT=$(CURDIR)/test/$(ARCH) KT_BUSYBOX=$(CURDIR)/test/$(ARCH)/busybox test/run
endif

lint: need-lint build/busybox ## check shell with shellcheck, Python with mypy, C with three analysers
	@scripts/lint.sh
	@scripts/lint-c.sh $(BB) gcc-analyzer
	@scripts/lint-c.sh $(BB) clang-tidy
	@scripts/lint-c.sh $(BB) cppcheck

busybox: $(B)/busybox ## build the static BusyBox with the kt applets

rootfs: $(B)/initramfs.cpio ## pack the base initramfs

demo: need-demo $(CROSS) ## build the demo scheduler, build/scx_demo
	@$(MAKE) -s --no-print-directory -C examples/scx_demo OUT=$(CURDIR)/$(B)/scx_demo $(DEMO_CROSS)

debug: $(B)/busybox ## build a BusyBox for gdb, build/debug/busybox: with symbols, without optimization
	@scripts/build-debug.sh $(BB) $(BB)/debug $(JOBS) $(B)/debug/busybox

size: $(B)/busybox $(B)/initramfs.cpio ## show the size of the guest, and of the largest kt objects in it
	@scripts/show-size.sh $(B) $(BB)/obj/kt

compile_commands.json: $(B)/busybox ## write how each applet is compiled, for clangd and other tools
	@scripts/compile-commands.py $(BB)/obj/kt $@

man: build/man/ktrun.1 ## write the manual pages, build/man

bench: need-bench all build/bb-plain/busybox demo kernel ## measure what ktbox costs, beside baselines (BENCH=PATTERN, BENCH_QUICK=1, SVG=FILE)
	@BENCH_QUICK="$(BENCH_QUICK)" SVG="$(SVG)" bench/run $(BENCH)

deps: ## install the packages that any target needs (except kernel-6.12)
	@scripts/need.sh build kernel demo run check test lint

uninstall: ## remove what install has put there
	@DESTDIR="$(DESTDIR)" scripts/install.sh -u "$(PREFIX)"

clean: ## remove all that was built or fetched
	rm -rf build compile_commands.json

help: ## list the targets
	@awk -f scripts/make-help.awk Makefile

##@ Deep

test-all: ## run test, test-sanitized, fuzz, mutations and torture, one after the other (hours)
	@failed=; for target in test test-sanitized fuzz mutations torture; do \
		echo "== make $$target"; $(MAKE) --no-print-directory $$target || failed="$$failed $$target"; \
	done; [ -z "$$failed" ] || { echo "test-all: failed:$$failed" >&2; exit 1; }

test-sanitized: need-test-sanitized build/busybox-san ## run the applets' tests with ASan and UBSan
	@ASAN_OPTIONS=detect_leaks=0 KT_BUSYBOX=$(CURDIR)/build/busybox-san KT_SANITIZED=1 \
		test/run applets/ktd applets/ktex applets/ktg applets/kth applets/ktl applets/ktp applets/ktrec applets/kts \
			applets/ktt applets/readers

fuzz: need-fuzz $(FUZZERS) ## fuzz what reads from outside, FUZZ_SECONDS (60) each (FUZZ=reader: that alone)
	@test/deep/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

mutations: need-mutations all demo kernel ## break the code in one place at a time: a test must see each (MUTATION=WORD)
	@test/deep/mutations/run $(MUTATION)

torture: need-torture all $(FUZZERS) demo kernel ## inject faults at random for about TORTURE_MINUTES (30); KT_SEED repeats them
	@test/deep/fault/run

test-busybox: need-build build/busybox build/bb-plain/busybox ## run BusyBox's own tests on ours and on an unpatched one
	@mkdir -p build/bb-suite && cp build/busybox $(BB)/obj/.config build/bb-suite
	@scripts/test-busybox.sh build/bb-plain/src build/bb-plain build/bb-suite

test-generic: need-test all kernel-generic ## run the tests of shared directories and modules on the generic kernel
	@KT_ROOT=$(CURDIR)/test/vm-modules test/run

test-6.12: need-test-6.12 all demo kernel kernel-6.12 ## run the tests of large dumps on the 6.12 kernel
	@KT_DUMP_KERNEL=$(CURDIR)/build/kernel-6.12/image test/run dump_size

test-crash: need-test-crash all demo kernel-crash kernel-checked ## provoke crashes and reports of the kernel in guests: each must be named
	@KT_ROOT=$(CURDIR)/test/vm-crash test/run

kernel-crash: need-kernel-crash kernel ## build the kernel's crash test (LKDTM) as a module for the default kernel (2 GB of source)
	@scripts/build-lkdtm.sh build/kernel-crash build/kernel-crash.build "$$(cat build/kernel/version)" "$(KERNEL_SUITES)"

kernel-checked: need-kernel-checked kernel ## build a kernel with KASAN, lockdep, kmemleak and others (2 GB of source, half an hour on two CPUs)
	@scripts/build-kernel-options.sh test/vm-crash/kernels build/kernel-checked build/kernel-checked.build \
		"$$(cat build/kernel/version)" "$(KERNEL_SUITES)" "$(PAHOLE_SUITE)" $(JOBS)

test-options: need-test-options all demo kernel-options ## run ktrun on a kernel without each option that it checks: each must be named
	@KT_ROOT=$(CURDIR)/test/vm-options test/run

kernel-options: need-kernel-options kernel ## build minimal kernels, each without one option (2 GB of source, hours)
	@scripts/build-kernel-options.sh test/vm-options/kernels build/kernel-options build/kernel-options.build \
		"$$(cat build/kernel/version)" "$(KERNEL_SUITES)" "$(PAHOLE_SUITE)" $(JOBS)

test-schedulers: need-test-schedulers all schedulers ## run the kernel's own schedulers and selftests of sched_ext in guests
	@KT_ROOT=$(CURDIR)/test/vm-schedulers test/run

schedulers: need-schedulers kernel ## build the kernel's own schedulers and selftests (2 GB of source), build/schedulers
	@scripts/build-schedulers.sh build/schedulers build/schedulers.build build/kernel/image \
		"$$(cat build/kernel/version)" "$(KERNEL_SUITES)" $(JOBS) $(SCHEDULERS)

test-post-mortem: need-test-post-mortem all kernel-debug ## open the memory of lost guests with drgn, and repeat recorded runs under gdb
	@KT_ROOT=$(CURDIR)/test/vm-post-mortem test/run

kernel-debug: need-kernel kernel ## fetch the debug information of the default kernel (350 MB), build/kernel-debug
	@scripts/fetch-debug-kernel.sh build/kernel-debug build/kernel $(KERNEL_SUITES)

kernel-generic: need-kernel ## fetch Debian's generic kernel with 9p as modules (125 MB), build/kernel-generic
	@FETCH=always MODULES="$(GENERIC_MODULES)" scripts/find-kernel.sh build/kernel-generic "" "" "$(GENERIC_PACKAGE)" \
		"$(KERNEL_SUITES)"

kernel-6.12: build/kernel-6.12/image ## build the oldest kernel with sched_ext, build/kernel-6.12/image

check-options: $(BB)/patched | need-build ## build BusyBox without each kt option, one at a time
	@scripts/check-options.sh $(BB) busybox.config $(JOBS)

bench-vng: need-bench-vng all kernel ## measure ktrun beside virtme-ng, in a Debian root (as root; 700 MB)
	@scripts/fetch-vng-root.sh build/vng-root "$$(cat build/kernel/version)" $(KERNEL_SUITES)
	@VNG_ROOT=$(CURDIR)/build/vng-root BENCH_QUICK="$(BENCH_QUICK)" bench/run vng

# The groups of packages that a target needs: the one of its own name, and those of what it builds.
groups             = $(@:need-%=%)
need-cross: groups = build cross
need-kernel-6.12: groups = kernel kernel-6.12
need-kernel-crash: groups = kernel kernel-6.12
need-test-crash: groups = build kernel kernel-6.12 demo run check test
need-kernel-checked need-kernel-options: groups = kernel kernel-6.12
need-test-options: groups = build kernel kernel-6.12 demo run check test
need-schedulers: groups = kernel schedulers
need-test-schedulers: groups = build kernel schedulers run check test
need-test-post-mortem: groups = build kernel run check test
need-run:   groups = build kernel demo run
need-shell: groups = build kernel run
need-lint:  groups = build lint
need-fuzz:  groups = build fuzz check
need-test-sanitized: groups = build fuzz check test
need-check: groups = build kernel demo run check
need-test:  groups = build kernel demo run check test lint fuzz
need-mutations: groups = build kernel demo run check test
need-torture: groups = build kernel demo run check test fuzz
need-bench: groups = build kernel demo run check test bench
need-bench-vng: groups = build kernel run vng
need-test-6.12: groups = build kernel kernel-6.12 demo run check test
$(NEEDS):
	@scripts/need.sh $(groups)

# The BusyBox chain: tarball, patched tree, configuration, binary. The scripts that do the work are
# prerequisites, so that a change in the way of building is a change of the source.

$(TARBALL): config.mk scripts/fetch-busybox.sh | need-build
	@scripts/fetch-busybox.sh $(BUSYBOX_VERSION) $(BUSYBOX_SHA256) $@ "$(BUSYBOX_TARBALL)"

$(BB)/patched: $(CROSS) $(TARBALL) patches $(wildcard patches/*.patch) scripts/unpack-busybox.sh | need-build
	@scripts/unpack-busybox.sh $(TARBALL) patches $(BB) $(BUSYBOX_SHA256)
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

$(FUZZERS): build/fuzz/bin/%: build/busybox-san test/deep/fuzz/fuzz_%.c test/deep/fuzz/input.h test/deep/fuzz/shim.c \
		scripts/build-fuzzer.sh
	@scripts/build-fuzzer.sh $(BB) build/bb/san $* $@

build/bb-plain/busybox: $(BB)/configured scripts/build-plain-busybox.sh | need-build
	@scripts/build-plain-busybox.sh $(TARBALL) $(BB) build/bb-plain $(JOBS)

$(B)/initramfs.cpio: $(B)/busybox $(ROOTFS) scripts/pack-initramfs.sh | need-build $(HOST_BUSYBOX)
	@scripts/pack-initramfs.sh $(B)/busybox rootfs $(B)/rootfs $@ build/busybox

build/man/ktrun.1: build/busybox host/ktrun config.mk scripts/make-manual.sh scripts/manual-page.awk \
		$(wildcard host/launcher/*.py host/launcher/*/*.py docs/man/* rootfs/usr/bin/*)
	@scripts/make-manual.sh build/man build/busybox "$(VERSION)"

# Built once, in a quarter of an hour; a fetched source stays.

build/kernel-6.12/image: scripts/kernel-minimal.config scripts/kernel-6.12.config scripts/build-kernel-6.12.sh \
		scripts/kernel-build.sh | need-kernel-6.12
	@scripts/build-kernel-6.12.sh build/kernel-6.12 build/kernel-6.12.build \
		"$(SOURCE_6.12_PACKAGE)" "$(SOURCE_6.12_SUITES)" $(JOBS)
