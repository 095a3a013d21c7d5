# SPDX-License-Identifier: GPL-2.0-only
"""A kernel as people have it, and whether it can do what a run needs.

image        kinds of images, release, architecture
directory    what a directory of -k has            releases     -k VERSION, --kernels
fetch        Debian's kernels, by apt              modules      kernel modules, by kmod
config       the options that ktbox needs          check        --check, --kernel-config
"""
