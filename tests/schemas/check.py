#!/usr/bin/python3
"""Validates manifests as kubectl's strict validation does: unknown fields are errors.

    check.py FOLDERS MANIFEST...

FOLDERS, with colons between them, are where schemas are looked for, APIVERSION_KIND.json each.
Prints what is wrong; the exit code is 1 when anything is.
"""
import json
import os
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one map."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def close(node):
    """An object that names its properties has no others."""
    if isinstance(node, list):
        for item in node:
            close(item)
    elif isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        for item in node.values():
            close(item)


def validator(folders, document):
    name = f"{document['apiVersion'].replace('/', '_')}_{document['kind']}.json"
    paths = [os.path.join(folder, name) for folder in folders]
    with open(next(path for path in paths if os.path.exists(path))) as file:
        schema = json.load(file)
    close(schema)
    return jsonschema.Draft7Validator(schema)


def main():
    folders, *paths = sys.argv[1:]
    wrong = 0
    for path in paths:
        with open(path) as file:
            for document in yaml.load_all(file, Loader):
                for error in validator(folders.split(":"), document).iter_errors(document):
                    where = "/".join(str(step) for step in error.absolute_path)
                    print(f"{path}: {where}: {error.message}")
                    wrong += 1
    sys.exit(1 if wrong else 0)


main()
