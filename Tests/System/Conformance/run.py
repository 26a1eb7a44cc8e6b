# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of the Autobahn test suite against a server on loopback, and judges. Python 2.7.

    run.py [--quick] PORT REPORT-FOLDER

Not `wstest -m fuzzingclient`: that one exits 0 whatever happened, waits for ever where a server does not answer, and
leaves no report if it is stopped.
"""
import io
import json
import os
import socket
import sys
import time

from autobahntestsuite import fuzzing
from autobahntestsuite.case import case12_x_x
from twisted.internet import reactor

# What is measured but not judged.
EXCLUDED = ["9.*"]
LEAST = 460       # 463 cases; fewer mean that the patterns no longer fit the suite
LIMIT = 5400      # seconds for the whole run, which takes about half an hour
QUICK_COUNT = 20  # messages in each compression case of a quick run, instead of 1000
QUICK_LIMIT = 600  # seconds for a quick run, which takes about one minute
PASSES = ("OK", "INFORMATIONAL")


class Quiet(object):
    """Takes the suite's chatter."""
    def write(self, text):
        pass

    def flush(self):
        pass


def give_up(why):
    """Ends the run as one that says nothing about the server."""
    sys.stderr.write("run.py: %s\n" % why)
    sys.exit(2)


def wait_for_server(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except socket.error:
            time.sleep(0.1)
    give_up("no server on port %d" % port)


def shorten():
    """Has the compression cases exchange fewer messages: the suite has no setting for it, but reads an attribute."""
    for case in case12_x_x.Case12_X_X + case12_x_x.Case13_X_X:
        if case.COUNT <= QUICK_COUNT:
            give_up("the compression cases are not as expected")
        case.COUNT = QUICK_COUNT


def run(port, folder, limit):
    """Returns the ids of the cases that were to be run."""
    output, sys.stdout = sys.stdout, Quiet()
    spec = {
        "outdir": folder,
        "servers": [{"agent": "broadtape", "url": "ws://127.0.0.1:%d" % port}],
        "cases": ["*"],
        "exclude-cases": EXCLUDED,
        "exclude-agent-cases": {},
    }
    factory = fuzzing.FuzzingClientFactory(spec)

    class State:
        at_limit = False

    def stop():
        State.at_limit = True
        factory.createReports()
        reactor.stop()

    def refused(connector, reason):
        sys.stderr.write("run.py: %s\n" % reason.getErrorMessage())
        stop()

    factory.clientConnectionFailed = refused
    reactor.callLater(limit, stop)
    reactor.run()
    sys.stdout = output
    if State.at_limit:
        print("stopped before the end")
    return factory.specCases


def judge(cases, folder):
    """Prints what failed and how many did. Returns how many failed."""
    try:
        with io.open(os.path.join(folder, "index.json"), encoding="utf-8") as index:
            results = json.load(index).get("broadtape", {})
    except (IOError, ValueError):
        results = {}
    failed = 0
    for case in cases:
        result = results.get(case)
        if result is None:
            verdict = "not run"
        elif result["behavior"] in PASSES and result["behaviorClose"] in PASSES:
            continue
        else:
            verdict = "%s, close %s (code %s)" % (
                result["behavior"], result["behaviorClose"], result["remoteCloseCode"])
        failed += 1
        print("case %-8s %s" % (case, verdict))
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return failed


def main():
    is_quick = sys.argv[1] == "--quick"
    port, folder = int(sys.argv[-2]), sys.argv[-1]
    if is_quick:
        shorten()
    wait_for_server(port)
    cases = run(port, folder, QUICK_LIMIT if is_quick else LIMIT)
    if len(cases) < LEAST:
        give_up("only %d cases" % len(cases))
    return 1 if judge(cases, folder) else 0


if __name__ == "__main__":
    sys.exit(main())
