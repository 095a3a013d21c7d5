# SPDX-License-Identifier: GPL-2.0-only
"""A recorded guest runs again, instruction by instruction.

replay_log  what a run keeps for that        runs  the guest once more, and what is the same
backwards  a debugger that steps backwards
"""
