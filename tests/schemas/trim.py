#!/usr/bin/python3
"""Makes small JSON Schemas of published ones, for tests/schemas/check.py.

    trim.py FOLDER KUBERNETES_JSON CRD_YAML...

KUBERNETES_JSON is Kubernetes' OpenAPI document (v2's definitions or v3's components/schemas), a
CRD_YAML a CustomResourceDefinition. FOLDER gets a file APIVERSION_KIND.json for every kind that the
manifests have: only the definitions it needs, without the prose.
"""
import json
import os
import sys

import yaml

CORE = {
    "io.k8s.api.apps.v1.Deployment": ("apps/v1", "Deployment"),
    "io.k8s.api.core.v1.Service": ("v1", "Service"),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler": ("autoscaling/v2", "HorizontalPodAutoscaler"),
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def trimmed(node):
    """Without what does not decide whether a document is valid."""
    if isinstance(node, list):
        return [trimmed(item) for item in node]
    if not isinstance(node, dict):
        return node
    names = node.get("properties")
    kept = {key: trimmed(value) for key, value in node.items()
            if key not in ("description", "default", "properties", "$schema", "x-kubernetes-validations",
                           "x-kubernetes-group-version-kind", "x-kubernetes-patch-strategy",
                           "x-kubernetes-patch-merge-key") and not (key == "format" and value != "int32")}
    if isinstance(names, dict):
        kept["properties"] = {name: trimmed(value) for name, value in names.items()
                              if name != "status"}
    if "$ref" in kept:
        kept = {"$ref": "#/definitions/" + kept["$ref"].rsplit("/", 1)[1]}
    return kept


def needed(definitions, name, found):
    if name in found:
        return found
    found[name] = trimmed(definitions[name])
    for ref in json.dumps(found[name]).split('"$ref": "#/definitions/')[1:]:
        needed(definitions, ref.split('"', 1)[0], found)
    return found


def write(folder, api_version, kind, schema):
    name = f"{api_version.replace('/', '_')}_{kind}.json"
    with open(os.path.join(folder, name), "w") as out:
        json.dump(schema, out, sort_keys=True, separators=(",", ":"))
        out.write("\n")


def core(folder, definitions):
    for name, (api_version, kind) in CORE.items():
        write(folder, api_version, kind,
              {"$ref": "#/definitions/" + name, "definitions": needed(definitions, name, {})})


def custom(folder, definitions, path):
    with open(path) as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    for document in documents:
        spec = document["spec"]
        for version in spec["versions"]:
            schema = trimmed(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"$ref": "#/definitions/" + META}
            schema["definitions"] = needed(definitions, META, {})
            write(folder, f"{spec['group']}/{version['name']}", spec["names"]["kind"], schema)


def main():
    folder, kubernetes, *crds = sys.argv[1:]
    with open(kubernetes) as file:
        document = json.load(file)
    definitions = document.get("definitions") or document["components"]["schemas"]
    os.makedirs(folder, exist_ok=True)
    core(folder, definitions)
    for path in crds:
        custom(folder, definitions, path)


main()
