# SPDX-License-Identifier: Apache-2.0
"""Runs the core cases of the Autobahn test suite against a server on loopback, and judges. Python 2.7.

    run.py PORT REPORT-FOLDER

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
from twisted.internet import reactor

# What is measured but not judged.
EXCLUDED = ["9.*"]
LEAST = 460       # 463 cases; fewer mean that the patterns no longer fit the suite
LIMIT = 900       # seconds for the whole run
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


def run(port, folder):
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
    reactor.callLater(LIMIT, stop)
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
    port, folder = int(sys.argv[1]), sys.argv[2]
    wait_for_server(port)
    cases = run(port, folder)
    if len(cases) < LEAST:
        give_up("only %d cases" % len(cases))
    return 1 if judge(cases, folder) else 0


if __name__ == "__main__":
    sys.exit(main())
