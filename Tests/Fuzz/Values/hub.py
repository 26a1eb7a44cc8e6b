# SPDX-License-Identifier: Apache-2.0
"""The programs of a run: the hub, and a Postgres and a Redis of its own where they are wanted."""

import contextlib
import ctypes
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import cases

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONFIGURATION = """\
types:
  fuzzNote:
    readers: everyone
    delivery: latest
    key-field: owner
    slot: { field: place, default: none }
    retention: 10m
    fields:
      place: string
      amount: decimal
      count: integer
      flag: boolean
      kind: { values: [one, two] }
      object: object
      array: array
      any: any
      owner: string
services:
  keyed:
    scopes: ["publish:*", "source:*"]
    api-keys: ["sha256:KEY"]
  signing:
    scopes: ["publish:*", "source:*"]
    webhook-secret-files: [FOLDER/webhook-secret]
"""


def die_with_parent():
    """Whatever becomes of this process, its programs do not stay behind (prctl, PR_SET_PDEATHSIG)."""
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Failure(Exception):
    pass


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(what, check, seconds=30):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Postgres:
    """A server of our own; its data need not survive it."""

    def __init__(self, folder):
        self.folder, self.port = folder / "postgres", free_port()
        self.drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        self.folder.mkdir(mode=0o700)
        if self.drop:
            shutil.chown(self.folder, "postgres")
        command = [self.tool("initdb"), "-D", self.folder / "data", "-U", "postgres", "--auth=trust", "--locale=C", "-E", "UTF8"]
        subprocess.run(self.drop + command + ["--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
            "full_page_writes": "off", "shared_buffers": "64MB", "max_wal_size": "256MB",
        }
        command = [self.tool("postgres"), "-D", self.folder / "data"] + [f"-c{name}={of}" for name, of in settings.items()]
        self.log = open(folder / "postgres.log", "ab")
        self.process = subprocess.Popen(
            self.drop + command, stdout=self.log, stderr=self.log, cwd="/", preexec_fn=die_with_parent
        )
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        wait_until("Postgres is ready", self.is_ready)

    @staticmethod
    def tool(name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
        if not found[-1]:
            raise Failure(f"Postgres' {name} is not installed: make test-tools")
        return found[-1]

    def is_ready(self):
        return subprocess.run([self.tool("psql"), "-qc", "SELECT 1", self.url], capture_output=True, cwd="/").returncode == 0

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)


class Redis:
    def __init__(self, folder):
        program = shutil.which("redis-server")
        if not program:
            raise Failure("redis-server is not installed: make test-tools")
        self.port = free_port()
        command = [program, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.url = f"redis://127.0.0.1:{self.port}"
        wait_until("Redis is ready", self.is_ready)

    def is_ready(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Hub:
    """`broadtape serve` on one database, restarted when it has ended."""

    def __init__(self, program, folder, database, redis, patience):
        self.program, self.folder, self.database, self.redis, self.patience = program, folder, database, redis, patience
        key = hashlib.sha256(cases.API_KEY.encode()).hexdigest()
        (folder / "webhook-secret").write_text(cases.WEBHOOK_SECRET)
        (folder / "broadtape.yaml").write_text(CONFIGURATION.replace("KEY", key).replace("FOLDER", str(folder)))
        self.log_path = folder / "hub.log"
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(folder), "MALLOC_ARENA_MAX": "2",
            "BROADTAPE_MAX_LAG": "off", "BROADTAPE_MAX_MESSAGE_RATE": "off",
            "BROADTAPE_MAX_BYTE_RATE": "off", "BROADTAPE_HOUSEKEEPING": "2s", "BROADTAPE_HEARTBEAT": "1s",
            "BROADTAPE_RING_MEMORY": "8MiB", "BROADTAPE_JWT_SECRET": cases.SECRET, "BROADTAPE_NODE": "fuzzed",
            "SWIFT_BACKTRACE": "enable=yes,color=no,interactive=no,threads=crashed,images=none,registers=none,limit=12,top=0",
            "BROADTAPE_CONFIG": str(folder / "broadtape.yaml"), "BROADTAPE_DATABASE": database, "BROADTAPE_DRAIN_WINDOW": "0s",
        }
        self.environment.update(
            (name, value) for name, value in os.environ.items() if name.startswith(("SWIFT_", "ASAN_", "TSAN_", "BROADTAPE_LOG_"))
        )
        if redis:
            self.environment["BROADTAPE_REDIS"] = redis
            self.environment["BROADTAPE_FAN_IN"] = "chain.* rate.* any.*=*,source:*"
        self.process = None

    def start(self):
        begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        log = open(self.log_path, "ab")
        command = [self.program, "serve", "--port", "0", "--admin-port", "0"]
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=die_with_parent,
        )
        log.close()

        def is_ready():
            if self.process.poll() is not None:
                raise Failure(f"the hub ends at its start ({self.end_of_log(begin)})")
            lines = self.log_path.read_bytes()[begin:].decode(errors="replace")
            ports = {what: int(port) for port, what in re.findall(r"address=\S*:(\d+).* (listening|admin port)\n", lines)}
            if len(ports) < 2:
                return False
            self.ports = {"public": ports["listening"], "admin": ports["admin port"]}
            with contextlib.suppress(OSError):
                return self.get("public", "/health/ready")[0] == 200
            return False

        wait_until("the hub is ready", is_ready, max(60, self.patience * 3))

    def end_of_log(self, begin=0):
        """What it said about its end, or last."""
        log = self.log_path.read_bytes()[begin:].decode(errors="replace").rstrip()
        crash = log[log.rfind("*** Signal") :] if "*** Signal" in log else ""
        what = re.findall(r"(?:Swift runtime failure|Fatal error): .*?(?= in broadtape| \*\*\*|\n|$)", crash)
        where = re.findall(r" in broadtape at (?!//<)\S*?/(Sources/\S+)", crash)
        return (" at ".join(what[:1] + where[:1]) or log.split("\n")[-1] or "nothing in the log")[:400]

    def get(self, port, target, user=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[port]}{target}")
        if user:
            request.add_header("Authorization", f"Bearer {cases.token(user)}")
        try:
            with urllib.request.urlopen(request, timeout=self.patience) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, None

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def is_dying(self):
        """A crash takes seconds to describe itself, in another process, and nothing is answered meanwhile."""
        with contextlib.suppress(OSError):
            return any(file.read_text() for file in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"))
        return False

    def end_of_process(self):
        """How it ended, in words; waits for it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60 if self.is_dying else 5)
        code = self.process.poll()
        how = signal.Signals(-code).name if code is not None and code < 0 else f"status {code}"
        return f"the hub ended with {how}: {self.end_of_log()}"

    def stop(self):
        """Asks it to leave; how that went where it did not go well."""
        if not self.is_alive:
            return "it was not running"
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it did not end within 60 s of SIGTERM"
        return None if code == 0 else self.end_of_process()

    def kill(self):
        if self.is_alive:
            self.process.kill()
            self.process.wait(30)

    def verify(self):
        """What `broadtape verify` finds wrong; None for nothing."""
        done = subprocess.run(
            [self.program, "verify", "--quiet"], env=self.environment, cwd=self.folder, capture_output=True, text=True,
            errors="replace", timeout=900,
        )
        return None if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]

    # MARK: Growth

    def resident(self):
        """Bytes in RAM."""
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        return 0

    def descriptors(self):
        with contextlib.suppress(OSError):
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        return 0
