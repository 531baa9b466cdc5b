#!/usr/bin/env python3
"""Writes the *.schema files of this folder from Kafka's own message definitions.

usage: from_json.py KAFKA_LIBS

KAFKA_LIBS is the `libs` folder of a Kafka distribution. The definitions are facts about the wire
(names, types, versions, defaults); Kafka's descriptions and comments stay behind. Every API that a
broker shares with clients and admin tools is taken; the RPCs between brokers and controllers, share
groups and streams groups are not. README.md says how the files read.
"""

import json
import pathlib
import re
import sys
import zipfile

SCHEMAS = pathlib.Path(__file__).parent
INTERNAL = {4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73}
KEYS = set(range(0, 76)) - INTERNAL
CONSUMER_OFFSETS = [
    "LegacyOffsetCommitKey",
    "LegacyOffsetCommitValue",
    "OffsetCommitKey",
    "OffsetCommitValue",
    "GroupMetadataKey",
    "GroupMetadataValue",
]
CONSUMER_PROTOCOL = ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment"]


def definitions(jar):
    """Every message definition of a jar, by name."""
    found = {}
    with zipfile.ZipFile(jar) as archive:
        for path in archive.namelist():
            if path.startswith("common/message/") and path.endswith(".json"):
                text = re.sub(r"^\s*//.*$", "", archive.read(path).decode(), flags=re.MULTILINE)
                message = json.loads(text)
                found[message["name"]] = message
    return found


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def field_lines(field, indent):
    words = [f"{'  ' * indent}{field['name']}: {field['type']} {field['versions']}"]
    if field.get("nullableVersions", "none") != "none":
        words.append(f"nullable={field['nullableVersions']}")
    if "tag" in field:
        if field["taggedVersions"] != field["versions"]:
            raise SystemExit(f"{field['name']}: tagged in some versions only")
        words.append(f"tag={field['tag']}")
    if "default" in field:
        default = field["default"]
        default = str(default).lower() if isinstance(default, bool) else str(default)
        if default.startswith("0x"):
            default = str(int(default, 16))
        # An empty string is what a field without a default starts with anyway.
        if default:
            words.append(f"default={default}")
    if str(field.get("ignorable", False)).lower() == "true":
        words.append("ignorable")
    yield " ".join(words)
    for inner in field.get("fields", []):
        yield from field_lines(inner, indent + 1)


def message_lines(message):
    words = [message["type"], message["name"]]
    if "apiKey" in message:
        words.append(f"key={message['apiKey']}")
    words += [f"versions={message['validVersions']}", f"flexible={message['flexibleVersions']}"]
    yield " ".join(words)
    for field in message["fields"]:
        yield from field_lines(field, 1)
    for struct in message.get("commonStructs", []):
        yield f"  struct {struct['name']} {struct['versions']}"
        for field in struct["fields"]:
            yield from field_lines(field, 2)


def write(name, messages):
    text = "\n".join("".join(f"{line}\n" for line in message_lines(m)) for m in messages)
    (SCHEMAS / f"{name}.schema").write_text(text)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    libs = pathlib.Path(sys.argv[1])
    jar = {}
    for name in ["kafka-clients", "kafka-group-coordinator"]:
        jars = [p for p in libs.glob(f"{name}-*.jar") if re.search(r"-\d[\d.]*\.jar$", p.name)]
        jars = [p for p in jars if "-api-" not in p.name]
        if len(jars) != 1:
            raise SystemExit(f"{libs}: expected one {name} jar, found {len(jars)}")
        jar[name] = definitions(jars[0])
    clients, coordinator = jar["kafka-clients"], jar["kafka-group-coordinator"]

    for path in SCHEMAS.glob("*.schema"):
        path.unlink()
    for request in clients.values():
        if request["type"] == "request" and request["apiKey"] in KEYS:
            name = request["name"].removesuffix("Request")
            write(snake(name), [request, clients[f"{name}Response"]])
    for name in CONSUMER_PROTOCOL:
        write(snake(name), [clients[name]])
    write("consumer_offsets", [coordinator[name] for name in CONSUMER_OFFSETS])


if __name__ == "__main__":
    main()
