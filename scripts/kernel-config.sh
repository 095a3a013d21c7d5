#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-config.sh check ARCH CONFIG | find IMAGE ELF RELEASE OUT [CONFIG]: call the launcher's reader of kernel
# configurations (host/launcher/kernel/config.py).

set -eu

exec python3 -ISXutf8 -B -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
from launcher.kernel.config import main
sys.exit(main(sys.argv[1:]))' "$(dirname "$0")/../host" "$@"
