#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Judges the WebSocket module with the Autobahn test suite, all of it but the performance cases.
#
#   autobahn.sh [--if-available] [--quick] path/to/broadtape-echo
#
# --quick exchanges 20 messages in each of the 216 compression cases (12.*, 13.*) instead of 1000.
#
# Starts the echo server on a free loopback port, lets the suite talk to it, stops it. Every case must end OK or
# INFORMATIONAL; NON-STRICT is a failure. The last line is "N passed, N failed".
#
# The suite runs on Python 2.7 only: $PY2, python2.7 on PATH, or one of pyenv's. It is installed once, from PyPI, into
# ${XDG_CACHE_HOME:-~/.cache}/broadtape-autobahn; that step also needs a python3 with venv. $REPORT keeps the report.
#
# Exit status: 0 all passed, or no Python 2.7 and --if-available; 1 a case failed; 2 the suite could not be run.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/broadtape-autobahn
edition=autobahntestsuite-25.10.1-1
optional=no
quick=
fail() {
    echo "autobahn.sh: $1" >&2
    exit 2
}
while [ $# -gt 1 ]; do
    case $1 in
        --if-available) optional=yes ;;
        --quick) quick=--quick ;;
        *) break ;;
    esac
    shift
done
[ $# -eq 1 ] || fail 'usage: autobahn.sh [--if-available] [--quick] path/to/broadtape-echo'
server=$1
[ -x "$server" ] || fail "$server is not an executable"

# A pyenv shim is there even if its version is not selected, so each candidate has to prove itself by running.
python=
for candidate in "${PY2:-}" python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys, ssl, zlib; assert sys.version_info[:2] == (2, 7)' 2> /dev/null; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        break
    fi
done
if [ -z "$python" ]; then
    [ "$optional" = no ] && fail 'no Python 2.7 found, set PY2'
    echo 'conformance skipped: no Python 2.7 found'
    exit 0
fi

install() {
    local builder=$cache/builder venv=$cache/venv
    rm -rf "$builder" "$venv"
    python3 -m venv "$builder"
    "$builder/bin/pip" install -q virtualenv==20.21.1 # the last to make environments for Python 2.7
    "$builder/bin/virtualenv" -q -p "$python" "$venv"
    rm -rf "$builder"
    local pip=("$venv/bin/python" -W ignore -m pip install -q --disable-pip-version-check --no-python-version-warning)
    # The suite names no dependencies, and of most packages here later releases no longer run on 2.7.
    "${pip[@]}" Twisted==20.3.0 autobahn==0.10.9 zope.interface==5.5.2 six==1.17.0 attrs==21.4.0 Automat==22.10.0 \
        incremental==22.10.0 hyperlink==21.0.0 constantly==15.1.0 idna==2.10 typing==3.10.0.0 PyHamcrest==1.10.1 \
        txaio==2.1.0 unittest2==1.1.0 jinja2==2.11.3 markupsafe==1.1.1 pyOpenSSL==21.0.0 cryptography==3.3.2 \
        cffi==1.15.1 service_identity==21.1.0
    "${pip[@]}" --no-deps autobahntestsuite==25.10.1
    "${pip[@]}" wsaccel==0.6.3 2> /dev/null || echo 'note: without wsaccel, which needs a C compiler, the suite is slow'
    echo "$edition" > "$venv/edition"
}

mkdir -p "$cache"
exec 9> "$cache/lock"
flock -w 900 9 || fail "another run holds $cache/lock"
if [ "$(cat "$cache/venv/edition" 2> /dev/null)" != "$edition" ]; then
    echo "installing the Autobahn test suite into $cache"
    # Not `install || fail`: a failing step in the middle would go unnoticed there.
    set +e
    (set -e; install) >&2
    installed=$?
    set -e
    [ "$installed" -eq 0 ] || fail 'the suite could not be installed'
fi
exec 9>&-

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
report=${REPORT:-$(mktemp -d)}
"$server" --port "$port" > "$report/server.log" 2>&1 &
pid=$!
stop() {
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    [ -n "${REPORT:-}" ] || rm -rf "$report"
}
trap stop EXIT
trap 'exit 2' INT TERM HUP
status=0
"$cache/venv/bin/python" -u -W ignore "$here/run.py" $quick "$port" "$report" || status=$?
[ "$status" -le 1 ] || fail 'the suite did not come to an end'
exit "$status"
