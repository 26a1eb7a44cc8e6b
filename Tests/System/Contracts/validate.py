#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what a hub has said against its contracts: validate.py CONFIG-FOLDER RECORD.

RECORD has a JSON object a line, as Tests/ServerTests/Contracts/Recording.swift writes them. Says what is wrong, a line
each, and ends with 1; says nothing and ends with 0 when record and contracts agree in both directions: everything seen
is declared, everything declared was seen or is listed as unseen, with the reason.
"""
import copy
import json
import pathlib
import re
import sys
from collections import defaultdict
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate_url
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "file:///contracts/"
METHODS = ("get", "post", "put", "delete", "patch")


def strict(node):
    """The same with every closed object closed: contracts may grow, but not without being written down."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node and "additionalProperties" not in node:
            node["additionalProperties"] = False
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


class Contracts:
    def __init__(self, folder):
        self.faults = []
        self.seen = set()
        self.openapi = yaml.safe_load((folder / "openapi.yaml").read_text())
        self.asyncapi = yaml.safe_load((folder / "asyncapi.yaml").read_text())
        documents = {"openapi.yaml": self.openapi, "asyncapi.yaml": self.asyncapi}
        for path in sorted((folder / "schemas").glob("*.json")):
            documents["schemas/" + path.name] = json.loads(path.read_text())
            Draft202012Validator.check_schema(documents["schemas/" + path.name])
        try:
            validate_url((folder / "openapi.yaml").absolute().as_uri())
        except Exception as error:  # whatever the validator thinks of
            self.fault(f"openapi.yaml: {error}")
        self.registry = Registry().with_resources(
            (BASE + name, Resource.from_contents(strict(copy.deepcopy(document)), default_specification=DRAFT202012))
            for name, document in documents.items()
        )
        self.messages = self.asyncapi["components"]["messages"]
        for name, message in self.messages.items():
            Draft202012Validator.check_schema(message["payload"])
        self.check_references()

    def fault(self, text):
        if text not in self.faults:
            self.faults.append(text)

    def saw(self, *what):
        self.seen.add(what)

    def validate(self, reference, value, what):
        validator = Draft202012Validator(
            {"$ref": BASE + reference}, registry=self.registry, format_checker=FormatChecker()
        )
        for error in list(validator.iter_errors(value))[:3]:
            self.fault(f"{what}: {error.json_path}: {error.message[:200]} (in {json.dumps(value)[:200]})")

    def check_references(self):
        """Messages of channels and operations exist, and each is of a channel."""
        used = set()
        for name, channel in self.asyncapi["channels"].items():
            for key, message in channel["messages"].items():
                target = message["$ref"].rsplit("/", 1)[1]
                used.add(target)
                if target not in self.messages or target != key:
                    self.fault(f"asyncapi.yaml: channel {name} has no such message: {target}")
        for name, operation in self.asyncapi["operations"].items():
            for message in operation.get("messages", []):
                parts = message["$ref"].split("/")
                if parts[4] not in self.asyncapi["channels"].get(parts[2], {}).get("messages", {}):
                    self.fault(f"asyncapi.yaml: operation {name} has no such message: {message['$ref']}")
        for name in set(self.messages) - used:
            self.fault(f"asyncapi.yaml: {name} is of no channel")

    # Messages

    def asked(self):
        return [m["$ref"].rsplit("/", 1)[1] for m in self.asyncapi["operations"]["ask"]["messages"]]

    def told_on(self, transport):
        every = self.asyncapi["channels"][transport]["messages"]
        return [name for name in every if transport == "stream" or name not in self.asked()]

    def message(self, op, names):
        return next((n for n in names if self.messages[n]["payload"]["properties"]["op"]["const"] == op), None)

    def check_message(self, text, names, how):
        value = json.loads(text)
        name = self.message(value.get("op"), names)
        if name is None:
            return self.fault(f"{how}: op {value.get('op')} is not declared")
        self.saw(how, name)
        self.validate(f"asyncapi.yaml#/components/messages/{name}/payload", value, f"{how} {name}")
        for member in value:
            self.saw(how, name, member)
        if name == "error":
            self.saw("error", value["code"])
        if name == "close":
            self.saw("close", value["code"])

    # Answers

    def operation(self, method, target):
        """The path and operation that a request is for: the one with the fewest variables, then the longest."""
        path = unquote(target.split("?")[0])
        found = []
        for template, operations in self.openapi["paths"].items():
            pattern = "".join(".+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                found.append((template.count("{"), -len(template), template))
        return min(found)[2] if found else None

    def check_answer(self, line):
        method, status, fields = line["method"], line["status"], line["fields"]
        asked = "GET" if method == "HEAD" else method
        template = self.operation(asked, line["target"])
        what = f"{method} {template or line['target']} {status}"
        if template is None:
            return self.check_problem(line, "#/components/responses/Refused", what)
        pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{asked.lower()}/responses"
        responses = self.openapi["paths"][template][asked.lower()]["responses"]
        key = str(status) if str(status) in responses else "default"
        if key not in responses:
            return self.fault(f"{what} is not declared")
        self.saw("answer", asked, template, key)
        pointer += "/" + key
        if "$ref" in responses[key]:
            pointer = responses[key]["$ref"].removeprefix("#")
        response = self.resolve(pointer)
        for name in response.get("headers", {}):
            if name.lower() not in fields and not (name == "Retry-After" and status == 429):
                self.fault(f"{what} has no {name}")
        if "etag" in fields and "ETag" not in response.get("headers", {}):
            self.fault(f"{what} has an undeclared ETag")
        if method == "HEAD":
            return None
        content = response.get("content", {})
        media = fields.get("content-type", "").split(";")[0]
        if not content:
            if line["body"]:
                self.fault(f"{what} has an undeclared body")
            return None
        if media not in content:
            return self.fault(f"{what} has an undeclared body of {media or 'no type'}")
        if media == "application/problem+json":
            return self.check_problem(line, "#" + pointer, what)
        if media.endswith("json"):
            escaped = pointer.replace("{", "%7B").replace("}", "%7D")
            self.validate(f"openapi.yaml#{escaped}/content/{media.replace('/', '~1')}/schema", json.loads(line["body"]), what)
        return None

    def resolve(self, pointer):
        node = self.openapi
        for part in pointer.strip("/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def check_problem(self, line, reference, what):
        codes = self.resolve(reference.removeprefix("#")).get("x-codes", [])
        if line["method"] == "HEAD":
            return
        try:
            problem = json.loads(line["body"])
        except ValueError:
            return self.fault(f"{what}: the body is no JSON: {line['body'][:100]}")
        self.validate("openapi.yaml#/components/schemas/Problem", problem, what)
        self.saw("problem", problem.get("code"))
        if problem.get("code") not in codes:
            self.fault(f"{what}: code {problem.get('code')} is not declared")
        if problem.get("status") != line["status"]:
            self.fault(f"{what}: the problem says {problem.get('status')}")

    # Both directions

    def check_known(self, known):
        schemas = self.asyncapi["components"]["schemas"]
        for name, schema in (("errorCodes", schemas["ErrorCode"]), ("closeCodes", schemas["CloseCode"])):
            declared = {str(word) for word in schema["enum"]}
            if name == "closeCodes":
                declared = {word for word in declared if int(word) >= 4000}
            for word in set(known[name]) ^ declared:
                self.fault(f"{name}: {word} is only in the {'code' if word in known[name] else 'contract'}")
        for name, schema in (("actions", self.messages["error"]["payload"]["properties"]["action"]), ("modes", self.messages["subscribed"]["payload"]["properties"]["mode"])):
            for word in set(known[name]) ^ set(schema["enum"]):
                self.fault(f"{name}: {word} is only in one of code and contract")
        declared = set()
        for template, operations in self.openapi["paths"].items():
            route = re.sub(r"\{.*", "**", template)
            for method in METHODS:
                if method not in operations:
                    continue
                tags = operations[method]["tags"]
                if "operating" not in tags:
                    declared.add(f"public {method.upper()} {route}")
                if "operating" in tags or "health" in tags:
                    declared.add(f"admin {method.upper()} {route}")
        people = set(self.openapi.get("x-pages", []))
        for route in set(known["routes"]) ^ declared:
            if route not in people:
                self.fault(f"route {route} is only in the {'code' if route in known['routes'] else 'contract'}")

    def check_coverage(self):
        for template, operations in self.openapi["paths"].items():
            for method in METHODS:
                operation = operations.get(method)
                if operation is None:
                    continue
                unseen = {str(status) for status in operation.get("x-unseen", {})}
                for status in operation["responses"]:
                    what = ("answer", method.upper(), template, status)
                    if status != "default" and (what in self.seen) == (status in unseen):
                        self.fault(f"{' '.join(what[1:])} was {'seen' if what in self.seen else 'never seen'}")
        codes = {code for r in self.openapi["components"]["responses"].values() for code in r.get("x-codes", [])}
        unseen = self.openapi.get("x-unseen-codes", {})
        for code in codes:
            if (("problem", code) in self.seen) == (code in unseen):
                self.fault(f"problem {code} was {'seen although listed' if code in unseen else 'never seen'}")
        for name, schema, kind in (("error", "ErrorCode", "error"), ("close", "CloseCode", "close")):
            for word in self.asyncapi["components"]["schemas"][schema]["enum"]:
                is_listed = word in self.asyncapi["components"]["schemas"][schema].get("x-unseen", {})
                if ((kind, word) in self.seen) == is_listed:
                    self.fault(f"{name} code {word} was {'seen although listed' if is_listed else 'never seen'}")
        for how, names in (("sent", self.asked()), ("socket", self.told_on("socket")), ("stream", self.told_on("stream"))):
            unseen = self.asyncapi["channels"].get(how, {}).get("x-unseen", {})
            for name in names:
                if ((how, name) in self.seen) == (name in unseen):
                    self.fault(f"{how} {name} was {'seen although listed' if name in unseen else 'never seen'}")
        for name in self.told_on("socket"):
            for member in self.messages[name]["payload"]["properties"]:
                is_listed = member in self.messages[name].get("x-unseen", {})
                if ((("socket", name, member) in self.seen) or (("stream", name, member) in self.seen)) == is_listed:
                    self.fault(f"member {member} of {name} was {'seen although listed' if is_listed else 'never seen'}")


def main():
    contracts = Contracts(pathlib.Path(sys.argv[1]))
    known = defaultdict(list)
    for number, text in enumerate(pathlib.Path(sys.argv[2]).read_text().splitlines()):
        line = json.loads(text)
        if line["kind"] == "sent":
            contracts.check_message(line["text"], contracts.asked(), "sent")
        elif line["kind"] == "told":
            contracts.check_message(line["text"], contracts.told_on(line["transport"]), line["transport"])
        elif line["kind"] == "closed":
            contracts.saw("close", line["code"])
        elif line["kind"] == "answer":
            contracts.check_answer(line)
        elif line["kind"] == "known":
            known[line["name"]] += line["words"]
        else:
            contracts.fault(f"line {number + 1}: {line['kind']}?")
    contracts.check_known(known)
    contracts.check_coverage()
    for fault in sorted(contracts.faults):
        print(fault)
    return 1 if contracts.faults else 0


if __name__ == "__main__":
    sys.exit(main())
