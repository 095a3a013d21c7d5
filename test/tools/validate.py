#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""validate.py SCHEMA FILE...: prints what is wrong in each JSON file, by the JSON Schema, one line per error.

Exit: 0 all are right; 1 one is not.
"""
import json
import sys

import jsonschema  # type: ignore[import]


def main(schema_path: str, *paths: str) -> int:
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for error in validator.iter_errors(json.load(file)):
                print("%s: %s: %s" % (path, "/".join(map(str, error.path)), error.message[:300]))
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
