# SPDX-License-Identifier: GPL-2.0-only
"""One guest, from its start to its end. Out: the run directory.

guest        processes, deadlines, wake bytes      start        it boots, or is resumed
terminal     ktrun's own terminal                  console_viewer  -v
host         host.json: asked for, how it ended    host_load    how busy the host was
pin          CPUs of the host for the guest's      origin       what was run, where, when
vmcore       the guest's memory as a file          file_limits  how much a guest may write
symbolize    addresses become function, file and line
"""
