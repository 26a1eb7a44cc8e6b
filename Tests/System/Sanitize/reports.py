#!/usr/bin/env python3
"""Reads what the thread sanitizer wrote and ends with 1 when there is a report that counts.

Swift's Mutex is locked by a futex in a library that is not instrumented. When a lock was contended the sanitizer does not
see who came first, and reports what two threads do one after the other under the same lock. Such a report is passed over
when both of its accesses are made by a closure that was handed to `withLock`: the frame below the closure is a line of this
project with `.withLock` on it. Everything else counts.
"""
import re
import sys

FRAME = re.compile(r"^\s+#\d+ (?P<function>.*?) (?P<place>/\S+\.swift)(?::(?P<line>\d+))?")
ACCESS = re.compile(r"^\s+(Previous )?(modifying |atomic )?(access|read|write)", re.IGNORECASE)
# Between the access and the call of withLock there are the closure, its partial application, and what the closure calls.
DEPTH = 4


def is_under_lock(frames):
    for function, place, line in frames[:DEPTH]:
        if line is None:
            continue
        try:
            text = open(place, encoding="utf-8").read().split("\n")
        except OSError:
            continue
        # A call over several lines is told with its first one, or with that of the closure.
        number = int(line) - 1
        if any(".withLock" in text[at] for at in (number - 1, number) if 0 <= at < len(text)):
            return True
    return False


def accesses(report):
    """The stacks of the two accesses, innermost frame first."""
    stacks, present = [], None
    for line in report:
        if ACCESS.match(line):
            present = []
            stacks.append(present)
        elif present is not None:
            if not line.strip():
                present = None
            elif match := FRAME.match(line):
                present.append((match["function"], match["place"], match["line"]))
    return stacks[:2]


def main(path):
    text = open(path, encoding="utf-8", errors="replace").read()
    reports = re.findall(r"WARNING: ThreadSanitizer.*?SUMMARY: ThreadSanitizer[^\n]*", text, re.DOTALL)
    counting = []
    for report in reports:
        stacks = accesses(report.split("\n"))
        if len(stacks) < 2 or not all(is_under_lock(stack) for stack in stacks):
            counting.append(report)
    print("\n\n".join(counting))
    print(f"{len(reports)} reports of the thread sanitizer, {len(reports) - len(counting)} of them under a Mutex, "
          f"{len(counting)} that count")
    return 1 if counting else 0


sys.exit(main(sys.argv[1]))
