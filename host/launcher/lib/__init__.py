# SPDX-License-Identifier: GPL-2.0-only
"""What every step uses, and what knows nothing of a run's steps.

text         untrusted text made safe, Fault       records      JSON objects with their types checked
rundir       the run directory: files and lock     workdir      what only this run needs
jobs         child processes and signals           environment  what they inherit
paths        where the parts of ktbox lie          user_paths   paths that the user has named
digest       knows a file again
"""
