#!/usr/bin/python3
"""Makes JSON Schemas for tests/schemas/check.py of the types that npm packages publish.

    from_types.py VERSION PACKAGE...

A PACKAGE is the unpacked folder of kubernetes-models or one of @kubernetes-models/*: their
declarations are generated from the OpenAPI documents and custom resource definitions of Kubernetes,
KEDA, Prometheus Operator and Karpenter. Beside this script, the folder VERSION gets a file
APIVERSION_KIND.json for every kind of Kubernetes' own in KINDS, the folder custom one for every
other: names, types and what is required, without patterns.
"""
import json
import os
import re
import sys

KINDS = {("apps/v1", "Deployment"), ("v1", "Service"), ("autoscaling/v2", "HorizontalPodAutoscaler"),
         ("keda.sh/v1alpha1", "ScaledObject"), ("monitoring.coreos.com/v1", "PrometheusRule"),
         ("karpenter.sh/v1", "NodePool")}
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_$][\w$]*|\S')
SCALARS = {"string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"},
           "any": {}, "unknown": {}, "object": {"type": "object"}, "null": {"type": "null"}}


class Parser:
    """The small part of TypeScript that generated declarations use."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def take(self, expected=None):
        token = self.tokens[self.at]
        if expected is not None and token != expected:
            raise ValueError(f"'{token}' instead of '{expected}'")
        self.at += 1
        return token

    def next_is(self, token):
        return self.at < len(self.tokens) and self.tokens[self.at] == token

    def type(self):
        options = [self.primary()]
        while self.next_is("|"):
            self.take()
            options.append(self.primary())
        constants = [option["const"] for option in options if "const" in option]
        if len(constants) == len(options):
            return {"enum": constants}
        return options[0] if len(options) == 1 else {"anyOf": options}

    def primary(self):
        token = self.take()
        if token == "{":
            return self.fields()
        if token[0] == '"':
            return {"const": json.loads(token)}
        if token == "Array":
            self.take("<")
            items = self.type()
            self.take(">")
            return {"type": "array", "items": items}
        return dict(SCALARS[token]) if token in SCALARS else {"$ref": "#/definitions/" + token}

    def fields(self):
        schema = {"type": "object"}
        while not self.next_is("}"):
            if self.next_is("["):
                self.at = self.tokens.index("]", self.at) + 1
                self.take(":")
                schema["additionalProperties"] = self.type()
            else:
                name = json.loads(self.take())
                optional = self.next_is("?")
                if optional:
                    self.take()
                else:
                    schema.setdefault("required", []).append(name)
                self.take(":")
                schema.setdefault("properties", {})[name] = self.type()
            self.take(";")
        self.take("}")
        return schema


def read(path, definitions):
    """Adds what a file declares, under the name by which other files know it."""
    with open(path) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    exported = dict(re.findall(r"(I\w+) as (I\w+)", text))
    for match in re.finditer(r"export interface (I\w+)[^{]*\{|export (?:declare )?type (I\w+) = ", text):
        name = match.group(1) or match.group(2)
        parser = Parser(text[match.end():])
        if name in exported:
            definitions[exported[name]] = parser.fields() if match.group(1) else parser.type()


def needed(definitions, name, found):
    if name not in found:
        found[name] = definitions[name]
        found[name].get("properties", {}).pop("status", None)
        for ref in re.findall(r"#/definitions/(\w+)", json.dumps(found[name])):
            needed(definitions, ref, found)
    return found


def main():
    version, *packages = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    definitions = {}
    for package in packages:
        for path, _, names in os.walk(package):
            for name in names:
                if name.endswith(".d.ts") and "_schemas" not in path:
                    read(os.path.join(path, name), definitions)
    for name, schema in definitions.items():
        said = {key: value.get("enum") for key, value in schema.get("properties", {}).items()
                if key in ("apiVersion", "kind")}
        for api_version, kind in KINDS:
            if said != {"apiVersion": [api_version], "kind": [kind]}:
                continue
            folder = os.path.join(here, "custom" if "." in api_version else version)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"{api_version.replace('/', '_')}_{kind}.json")
            whole = {"$ref": "#/definitions/" + name, "definitions": needed(definitions, name, {})}
            with open(path, "w") as out:
                json.dump(whole, out, sort_keys=True, separators=(",", ":"))
                out.write("\n")


main()
