"""Judges the answers of a fake by the model of AWS that botocore carries.

Arguments: the endpoint, and a JSON document with the service, the actions and the codes of errors of the fake, and the
calls to make. A value `$NAME` is that member of the answer before. Each call is made, and every part of the answer has to
be a member of the model's shape, with a value of its type; every member that the model requires has to be there. Prints
what was judged.
"""

import base64
import json
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import boto3
from botocore.config import Config

seen = set()


def local(tag):
    return tag.rsplit("}", 1)[-1]


def judge(element, shape, path):
    """Raises where an element is not what the shape says."""
    if shape.type_name == "structure":
        members = {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
        }
        sent = [local(child.tag) for child in element]
        assert len(sent) == len(set(sent)), f"{path}: sent twice: {sent}"
        for child in element:
            known = members.get(local(child.tag))
            assert known, f"{path}: {local(child.tag)} is not a member of {shape.name}"
            seen.add((shape.name, known[0]))
            judge(child, known[1], f"{path}.{known[0]}")
        missing = set(shape.required_members) - {members[name][0] for name in sent}
        assert not missing, f"{path}: {shape.name} requires {missing}"
    elif shape.type_name == "list":
        member = "member"
        if shape.serialization.get("flattened"):
            raise AssertionError(f"{path}: flattened lists are not judged")
        member = shape.member.serialization.get("name", member)
        for child in element:
            assert local(child.tag) == member, f"{path}: {child.tag} is not {member}"
            judge(child, shape.member, f"{path}[]")
    else:
        assert len(element) == 0, f"{path}: {shape.type_name} has elements"
        value = element.text or ""
        judge_value(value, shape, path)


def judge_value(value, shape, path):
    kind = shape.type_name
    if kind in ("integer", "long"):
        int(value)
    elif kind in ("float", "double"):
        float(value)
    elif kind == "boolean":
        assert value in ("true", "false"), f"{path}: {value} is no boolean"
    elif kind == "timestamp":
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
    elif kind == "string":
        # Enumerations of AWS are open: a state of next year is allowed, and a state of today is a string.
        pass
    else:
        raise AssertionError(f"{path}: {kind} is not judged")


def judge_json(value, shape, path):
    """Raises where a value of a JSON document is not what the shape says."""
    kind = shape.type_name
    if kind == "structure":
        for name, it in value.items():
            assert name in shape.members, f"{path}: {name} is not a member of {shape.name}"
            seen.add((shape.name, name))
            judge_json(it, shape.members[name], f"{path}.{name}")
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{path}: {shape.name} requires {missing}"
    elif kind == "list":
        for it in value:
            judge_json(it, shape.member, f"{path}[]")
    elif kind == "blob":
        base64.b64decode(value, validate=True)
    elif kind == "timestamp":
        assert isinstance(value, (int, float)), f"{path}: {value} is no moment"
    elif kind in ("integer", "long"):
        assert isinstance(value, int), f"{path}: {value} is no whole number"
    elif kind == "boolean":
        assert isinstance(value, bool), f"{path}: {value} is no boolean"
    elif kind == "string":
        assert isinstance(value, str), f"{path}: {value} is no text"
    else:
        raise AssertionError(f"{path}: {kind} is not judged")


def judge_answer(body, model, operation):
    """Raises where an answer is not what the model says of the operation."""
    shape = operation.output_shape
    if model.metadata["protocol"] == "json":
        judge_json(json.loads(body), shape, operation.name)
        return
    root = ElementTree.fromstring(body)
    assert local(root.tag) == f"{operation.name}Response", root.tag
    if model.metadata["protocol"] == "ec2":
        root.remove(next(child for child in root if local(child.tag) == "requestId"))
        judge(root, shape, operation.name)
        return
    name_space = f"{{{model.metadata['xmlNamespace']}}}"
    assert root.tag.startswith(name_space), root.tag
    wrapper = shape.serialization.get("resultWrapper")
    result = root.find(f"{name_space}{wrapper}")
    assert result is not None, f"{operation.name}: no {wrapper}"
    judge(result, shape, operation.name)


def main(endpoint, document):
    asked = json.loads(document)
    client = boto3.client(
        asked["service"],
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1}),
    )
    model = client.meta.service_model
    errors = {
        shape.error_code: shape.metadata.get("error", {}).get("httpStatusCode", 400)
        for shape in model.error_shapes
    }
    for code, status in asked["codes"]:
        assert errors.get(code) == status, f"{code} {status}: AWS has {errors.get(code)}"
    for action in asked["actions"]:
        assert action in model.operation_names, f"{action} is no action of {asked['service']}"

    answers = {}

    def keep(response_dict, operation_model=None, **_):
        answers["last"] = response_dict["body"]

    client.meta.events.register(f"response-received.{asked['service']}", keep)
    made = set()
    parsed = {}
    for action, parameters in asked["calls"]:
        operation = model.operation_model(action)
        method = next(
            name
            for name, known in client.meta.method_to_api_mapping.items()
            if known == action
        )
        for name, value in parameters.items():
            if isinstance(value, str) and value.startswith("$"):
                parameters[name] = parsed[value[1:]]
        parsed = getattr(client, method)(**parameters)
        made.add(action)
        if operation.output_shape is not None:
            judge_answer(answers["last"], model, operation)
    left_out = set(asked["actions"]) - made
    assert not left_out, f"not called: {left_out}"
    print(json.dumps({"actions": len(made), "members": len(seen), "codes": len(asked["codes"])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
