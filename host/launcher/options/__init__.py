# SPDX-License-Identifier: GPL-2.0-only
"""What the command line says, as one value.

table        one row per option: parser, --help, completion and manual follow
rules        which options go together             values       the syntax of an option's value
cli          words become Options                  options      Options
"""
