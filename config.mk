# SPDX-License-Identifier: GPL-2.0-only
#
# Every version, pin and name that may be overridden, once. The Makefile includes it; scripts get the
# values as arguments. Override on the command line or in the environment: make KERNEL=/path/to/bzImage

# Of ktbox: what ktrun --version says.
VERSION := 0.4.0

# Of the guest: x86_64 or aarch64. On the command line only: who builds kernels has an ARCH of another
# meaning in the environment.
ifneq ($(origin ARCH),command line)
ARCH := x86_64
endif
# All that is of this guest lies here; scripts read KT_ARCH.
B := build$(if $(filter-out x86_64,$(ARCH)),/$(ARCH))
export KT_ARCH := $(ARCH)
# The suites asked for what a cross build needs beside the compiler (scripts/fetch-cross.sh), in order.
CROSS_SUITES    ?= bookworm

# The tarball is upstream's; Debian's archive keeps it as busybox_VERSION.orig.tar.bz2.
BUSYBOX_VERSION ?= 1.37.0
BUSYBOX_SHA256  ?= 3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4
# A copy of that tarball on this machine; empty: it is fetched.
BUSYBOX_TARBALL ?=

# A kernel image (bzImage or ELF vmlinux); empty: this machine's own if it can run sched_ext, else fetched.
KERNEL          ?=
# The .config of KERNEL; empty: looked for in the image and around it.
KERNEL_CONFIG   ?=
# The Debian package whose dependencies lead to the kernel's image, and the suites asked for it, in order.
KERNEL_PACKAGE  ?= linux-image-cloud-$(if $(filter aarch64,$(ARCH)),arm64,amd64)
KERNEL_SUITES   ?= forky sid
# The directories of its modules that are kept: --host-root needs overlayfs.
KERNEL_MODULES  ?= $(if $(filter aarch64,$(ARCH)),,fs/overlayfs)

# The Debian package of `make kernel-generic`, and the directories of its modules that are kept.
GENERIC_PACKAGE ?= linux-image-amd64
GENERIC_MODULES ?= net/9p fs/9p fs/netfs fs/overlayfs

# The Debian package with the source of `make kernel-6.12`, and the suites asked for it, in order.
SOURCE_6.12_PACKAGE ?= linux-source-6.12
SOURCE_6.12_SUITES  ?= trixie

# The Debian suite with a pahole that writes the types of `make kernel-options`: 7.2's need 1.26 or later.
PAHOLE_SUITE    ?= trixie

# The kernel's own schedulers that `make schedulers` builds.
SCHEDULERS      ?= scx_simple scx_qmap

# Where make install puts ktbox; DESTDIR goes in front of it, for packages.
PREFIX          ?= /usr/local
DESTDIR         ?=

# Seconds of each fuzzer of `make fuzz`, and which of them (test/deep/fuzz/run); empty: all.
FUZZ_SECONDS    ?= 60
FUZZ            ?=

# Compiler processes at once.
JOBS            ?= $(shell nproc)

# The one date in everything built (the release of BusyBox 1.37.0, 2024-09-27), so that the same source
# gives the same bytes.
SOURCE_DATE_EPOCH ?= 1727395200
export SOURCE_DATE_EPOCH
