# SPDX-License-Identifier: GPL-2.0-only
"""--hosts: the cells of a matrix on other machines, which share no file system with this one.

file         the file of --hosts                   kit          what a host gets
dispatch     one connection per host, and parallel
far_cell     one cell, in ssh's place              far_files    a result on its way
far_boot     on the host: unpacks the kit          far_host     on the host: runs a cell
"""
