# SPDX-License-Identifier: GPL-2.0-only
"""--trace: the kernel's ring becomes files that trace-cmd and perfetto open.

kept         what a run keeps, and where         least_output the least --max-output
recording    which files and events there are      ring         the kernel's raw pages
event_format where a field lies                    scheduling   spans of running and waiting
files        makes the files, counts               trace_dat    runs trace-cmd
systrace     perfetto's file
"""
