# SPDX-License-Identifier: Apache-2.0
"""Hostile values, and documents that are mutated with them: pure, the same for the same random numbers.

A document is a tree as its text was: members stay in order and may be double, numbers keep their digits. Leaves are the
bytes of JSON, so that there can be leaves that are none.
"""

import json
import pathlib
import random

# Copies of a part are no more than so many bytes, so that a case is not much larger than what a hub takes.
LARGE = 200_000
CORPUS = pathlib.Path(__file__).resolve().parent.parent / "Corpus" / "values"


class Object(list):
    """[name, value] pairs; names are what is between the quotation marks."""


class Array(list):
    pass


def tree(value):
    if isinstance(value, dict):
        return Object([json.dumps(name, ensure_ascii=False)[1:-1].encode(), tree(of)] for name, of in value.items())
    if isinstance(value, list):
        return Array(tree(of) for of in value)
    return json.dumps(value, ensure_ascii=False).encode()


def copy(node):
    if isinstance(node, Object):
        return Object([name, copy(value)] for name, value in node)
    if isinstance(node, Array):
        return Array(copy(value) for value in node)
    return node


def write(node, parts):
    if isinstance(node, bytes):
        parts.append(node)
    elif isinstance(node, Object):
        parts.append(b"{")
        for index, (name, value) in enumerate(node):
            parts.append((b',"' if index else b'"') + name + b'":')
            write(value, parts)
        parts.append(b"}")
    else:
        parts.append(b"[")
        for index, value in enumerate(node):
            if index:
                parts.append(b",")
            write(value, parts)
        parts.append(b"]")


def text(node):
    parts = []
    write(node, parts)
    return b"".join(parts)


class Values:
    """What Corpus/values/hostile.json says; each also as the bytes that it means, for places that are not JSON."""

    def __init__(self):
        given = json.loads((CORPUS / "hostile.json").read_text())
        self.numbers = [number.encode() for number in given["numbers"]]
        self.values = [value.encode() for value in given["values"]]
        self.times = [time.encode() for time in given["times"]]
        self.members = [name.encode() for name in given["members"]]
        self.texts = [content.encode() for content in given["texts"]]
        self.long = [content.encode() * times for content, times in given["long"]]
        self.huge = [content.encode() * times for content, times in given["huge"]]
        letters = random.Random(0).choices(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", k=max(given["random"]))
        self.long += [bytes(letters[:length]) for length in given["random"]]
        self.bytes = [bytes.fromhex(digits) for digits in given["bytes"]]

    def content(self, chance):
        """What can be between quotation marks."""
        kind = chance.random()
        if kind < 0.45:
            return chance.choice(self.texts)
        if kind < 0.60:
            return chance.choice(self.times)
        if kind < 0.75:
            return chance.choice(self.numbers)
        if kind < 0.92:
            return chance.choice(self.long)
        if kind < 0.923:
            return chance.choice(self.huge)
        return chance.choice(self.bytes)

    def plain(self, chance):
        """The bytes that such a text means."""
        content = self.content(chance)
        if b"\\" not in content:
            return content
        try:
            return json.loads(b'"' + content + b'"', strict=False).encode("utf-8", "surrogatepass")
        except ValueError:
            return content

    def leaf(self, chance):
        kind = chance.random()
        if kind < 0.4:
            return chance.choice(self.numbers)
        if kind < 0.8:
            return b'"' + self.content(chance) + b'"'
        return chance.choice(self.values)

    def edited(self, content, chance):
        """A text with something hostile in it."""
        kind = chance.randrange(6)
        place = chance.choice((0, len(content), chance.randrange(len(content) + 1)))
        if kind == 0:
            return self.content(chance)
        if kind == 1:
            return content[:place]
        if kind == 2:
            return content.swapcase()
        if kind == 3:
            return content * min(chance.choice((2, 3, 16, 100)), 1 + LARGE // (len(content) + 1))
        return content[:place] + self.content(chance) + content[place:]


def places(node, found, depth=0):
    """All of (holder, index) below a node."""
    if isinstance(node, bytes) or depth > 50:
        return
    for index, item in enumerate(node):
        found.append((node, index))
        places(item[1] if isinstance(node, Object) else item, found, depth + 1)


def mutate(root, values, chance):
    """One change somewhere in a document; returns its root."""
    found = []
    places(root, found)
    if not found or chance.random() < 0.03:
        return whole(root, values, chance)
    holder, index = chance.choice(found)
    is_object = isinstance(holder, Object)
    kind = chance.random()
    old = holder[index][1] if is_object else holder[index]

    def put(value):
        if is_object:
            holder[index][1] = value
        else:
            holder[index] = value

    if kind < 0.40:
        put(values.leaf(chance))
    elif kind < 0.58:
        put(tweaked(old, values, chance))
    elif kind < 0.66:
        del holder[index]
    elif kind < 0.74:
        item = holder[index]
        size = len(text(item[1] if is_object else item)) + 1
        for _ in range(min(chance.choice((1, 1, 1, 2, 17, 300)), 1 + LARGE // size)):
            holder.insert(chance.randrange(len(holder) + 1), [item[0], copy(item[1])] if is_object else copy(item))
    elif kind < 0.81 and is_object:
        name = holder[index][0]
        holder[index][0] = chance.choice(values.members) if chance.random() < 0.4 else values.edited(name, chance)
    elif kind < 0.87:
        other, place = chance.choice(found)
        put(copy(other[place][1] if isinstance(other, Object) else other[place]))
    elif kind < 0.91:
        put(nested(old, chance))
    elif is_object:
        name = chance.choice(values.members) if chance.random() < 0.7 else values.content(chance)
        for number in range(chance.choice((1, 1, 1, 1, 1, 1, 1, 40, 40, 2000))):
            holder.append([name + (b"%d" % number if number else b""), values.leaf(chance)])
    else:
        holder.extend([values.leaf(chance)] * chance.choice((1, 1, 17, 1001)))
    return root


def whole(root, values, chance):
    kind = chance.randrange(5)
    if kind == 0:
        return values.leaf(chance)
    if kind == 1:
        return Array([root] * chance.choice((1, 2, 3)))
    if kind == 2:
        return nested(root, chance)
    bytes_ = text(root)
    place = chance.randrange(len(bytes_) + 1)
    if kind == 3:
        return bytes_[:place]
    return bytes_[:place] + values.content(chance) + bytes_[place:]


def nested(node, chance):
    depth = chance.choice((1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 513))
    if chance.random() < 0.02:
        depth = 20000
    if chance.random() < 0.5:
        return b"[" * depth + text(node) + b"]" * depth
    return b'{"a":' * depth + text(node) + b"}" * depth


def tweaked(node, values, chance):
    """A value close to the one that was there."""
    if not isinstance(node, bytes):
        return chance.choice((Array([node]), Object([[b"a", node]]), Array(), Object()))
    if node[:1] == b'"':
        return b'"' + values.edited(node[1:-1], chance) + b'"'
    kind = chance.randrange(5)
    if kind == 0:
        return b'"' + node + b'"'
    if kind == 1:
        return b"-" + node
    if kind == 2:
        return node + chance.choice((b".0", b"e0", b"e400", b"0" * 20, b".5"))
    return chance.choice(values.numbers)
