# SPDX-License-Identifier: Apache-2.0
"""What a run has found: shown once for each kind, and kept in files that can be sent again."""

import asyncio
import base64
import collections
import json
import time


class Found:
    """What went wrong, once for each kind."""

    def __init__(self, folder):
        self.folder, self.kinds = folder, collections.Counter()
        self.is_noted = False

    def add(self, name, what, case=None, note=""):
        """Returns whether it is the first of its kind."""
        kind = (name, what)
        self.kinds[kind] += 1
        if self.kinds[kind] > 1:
            return False
        print(f"FOUND {name}: {what}{note}", flush=True)
        return True

    def keep(self, name, what, found):
        """Writes cases that fail one after another."""
        self.folder.mkdir(parents=True, exist_ok=True)
        last = found[-1]
        file = self.folder / f"{last.door}-{last.seed}-{last.number}.json"
        shown = {"name": name, "what": what, "cases": [self.shown(case) for case in found]}
        file.write_text(json.dumps(shown, indent=1) + "\n")
        print(f"      {file}\n      {last.data[:300]!r}", flush=True)

    async def note(self, title, hub):
        """Writes what the kernel and the hub say at this moment of connections, once for each run."""
        if self.is_noted:
            return
        self.is_noted = True
        admin = f"http://127.0.0.1:{hub.ports['admin']}"
        asked = ["ss -tnoei", f"curl -sm 5 {admin}/sessions?limit=100", f"curl -sm 5 {admin}/metrics", f"top -Hbn1 -p {hub.process.pid}"]
        text = title + "\n"
        for command in asked:
            process = await asyncio.create_subprocess_shell(command, stdout=-1, stderr=-2)
            text += f"\n$ {command}\n" + (await process.communicate())[0].decode(errors="replace")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"unanswered-{time.strftime('%H%M%S')}.txt").write_text(text)

    @staticmethod
    def shown(case):
        shown = {"door": case.door, "name": case.name, "seed": case.seed, "number": case.number, "changes": case.changes}
        shown |= {"port": getattr(case, "port", None), "channel": getattr(case, "channel", b"").decode()}
        shown |= {"framed": case.is_framed, "text": case.data[:2000].decode(errors="backslashreplace")}
        return shown | {"data": base64.b64encode(case.data).decode()}


class Kept:
    """A case from a file, as it was sent."""

    changes = ()

    def __init__(self, shown):
        self.name, self.door, self.port, self.is_framed = shown["name"], shown["door"], shown["port"], shown["framed"]
        self.channel, self.data = shown["channel"].encode(), base64.b64decode(shown["data"])
        self.seed, self.number, self.is_head = shown["seed"], shown["number"], self.data.startswith(b"HEAD")

    def is_harmful(self):
        return False
