#!/usr/bin/env python3
"""What appending to Postgres costs, beside COPY and pgbench on the same server in the same run.

    make bench-postgres

Starts a private Postgres (fsync and synchronous_commit on) in a folder under /var/tmp, or under $FOLDER, which has to be on a disk,
and a hub on it; both are gone at the end.
"""

import contextlib
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.environ.get("FOLDER", "/var/tmp") + f"/broadtape-bench-{os.getpid()}"
PROGRAMS = os.environ.get("PROGRAMS", ROOT + "/.build/release")
SECONDS = int(os.environ.get("SECONDS_EACH", "10"))
SECRET = "0123456789abcdef0123456789abcdef"


def tool(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    if not found[-1]:
        sys.exit(f"Postgres' {name} is not installed: make test-tools")
    return found[-1]


def as_user(*command):
    drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    return drop + list(command)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """A Postgres of our own."""

    def __init__(self):
        os.mkdir(FOLDER, 0o755)
        self.port = free_port()
        self.data = FOLDER + "/data"
        os.mkdir(self.data, 0o700)
        if os.getuid() == 0:
            shutil.chown(self.data, "postgres")
        self.environment = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="postgres")
        subprocess.run(
            as_user(tool("initdb"), "-D", self.data, "-U", "postgres", "--auth=trust", "--locale=C", "-E", "UTF8"),
            check=True, stdout=subprocess.DEVNULL, cwd="/",
        )
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min",
        }
        self.process = subprocess.Popen(
            as_user(tool("postgres"), "-D", self.data, *[f"-c{name}={value}" for name, value in settings.items()]),
            stdout=subprocess.DEVNULL, stderr=open(FOLDER + "/log", "w"), cwd="/",
        )
        for _ in range(200):
            if subprocess.run(["psql", "-qc", "SELECT 1"], env=self.environment, capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        sys.exit("Postgres did not start: " + open(FOLDER + "/log").read())

    def url(self, database="postgres"):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, text, database="postgres"):
        done = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text],
            env=self.environment, check=True, capture_output=True, text=True,
        )
        return done.stdout.strip()

    def pgbench(self, clients):
        """Single-row inserts: per second, and milliseconds of each."""
        with open(FOLDER + "/insert.sql", "w") as script:
            script.write("INSERT INTO single (data) VALUES (repeat('x', 200));\n")
        done = subprocess.run(
            [tool("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)), "-T", str(SECONDS),
             "-f", FOLDER + "/insert.sql", "-l", f"--log-prefix={FOLDER}/times{clients}", "postgres"],
            env=self.environment, check=True, capture_output=True, text=True, cwd=FOLDER,
        )
        rate = next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps"))
        times = []
        for path in glob.glob(f"{FOLDER}/times{clients}.*"):
            times += [int(line.split()[2]) / 1000 for line in open(path)]
        return rate, times

    def copy(self):
        """Rows per second of COPY alone, into tables like those that hold the events and receipts now."""
        part = self.sql("SELECT 'events_' || id FROM partitions ORDER BY id LIMIT 1", "tape")
        moved = {}
        for name, query in (
            ("events", f"SELECT * FROM {part} ORDER BY number"),
            ("receipts", f"SELECT r.* FROM {part} e JOIN receipts r ON r.key = receipt_key(e.source, e.id) ORDER BY e.number"),
        ):
            moved[name] = f"{self.data}/{name}.copy"
            self.sql(f"COPY ({query}) TO '{moved[name]}' WITH (FORMAT binary)", "tape")
        rows = int(self.sql(f"SELECT count(*) FROM {part}", "tape"))
        rates = []
        for _ in range(3):
            self.sql("DROP TABLE IF EXISTS copy_events, copy_receipts", "tape")
            self.sql(f"CREATE TABLE copy_events (LIKE {part} INCLUDING ALL)", "tape")
            self.sql("CREATE TABLE copy_receipts (LIKE receipts INCLUDING ALL)", "tape")
            begin = time.monotonic()
            for name, path in moved.items():
                self.sql(f"COPY copy_{name} FROM '{path}' WITH (FORMAT binary)", "tape")
            rates.append(rows / (time.monotonic() - begin))
        self.sql("DROP TABLE copy_events, copy_receipts", "tape")
        return statistics.median(rates)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[int((len(ordered) - 1) * share)] if ordered else float("nan")


def append(url, **options):
    arguments = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [PROGRAMS + "/broadtape-bench", "append", f"--database={url}", *arguments],
        check=True, capture_output=True, text=True,
    )
    return json.loads(done.stdout)


@contextlib.contextmanager
def hub(url):
    port = free_port()
    process = subprocess.Popen(
        [PROGRAMS + "/broadtape", "serve", "--database", url, "--port", str(port), "--admin-port", "0",
         "--jwt-secret", SECRET, "--log-level", "warning"],
        cwd=FOLDER,
    )
    token = subprocess.run(
        [PROGRAMS + "/broadtape", "token", "--subject", "bench", "--scope", "publish:*", "--jwt-secret", SECRET],
        check=True, capture_output=True, text=True,
    ).stdout.strip()
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port, token
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def post_alone(url):
    """Milliseconds from POST to its 200, one event after the other."""
    times = []
    with hub(url) as (port, token):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            number = len(times)
            event = {
                "type": "balanceUpdate", "key": f"u-{number % 100}", "id": f"alone-{os.getpid()}-{number}",
                "data": {"walletId": "w-1", "currency": "USDT", "balance": str(number), "version": number + 1},
            }
            begin = time.monotonic()
            connection.request("POST", "/events", json.dumps(event), headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                sys.exit(f"the hub answered {answer.status}: {body.decode()}")
            times.append((time.monotonic() - begin) * 1000)
    return times


def main():
    try:
        server = Server()
        try:
            measure(server)
        finally:
            server.stop()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def measure(server):
    server.sql("CREATE TABLE single (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text)")
    for name in ("tape", "hot", "alone"):
        server.sql(f"CREATE DATABASE {name}")
    print(f"{server.sql('SELECT version()').split(' (')[0]}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}\n")
    many_rate, _ = server.pgbench(32)
    _, single = server.pgbench(1)
    wide = append(server.url("tape"))
    copied = server.copy()
    hot = append(server.url("hot"), channels=1)
    lone = append(server.url("alone"), publishers=1, batch=1, events=SECONDS * 200)
    posts = post_alone(server.url("alone"))
    rows = [
        ("COPY into the same tables", f"{copied:,.0f} rows/s", ""),
        ("pgbench, single rows, 32 clients", f"{many_rate:,.0f} rows/s", ""),
        ("append, 64 publishers, 10,000 channels", f"{wide['perSecond']:,.0f} events/s",
         f"{wide['perSecond'] / copied:.2f} x COPY, {wide['perSecond'] / many_rate:.1f} x pgbench"),
        ("append, 64 publishers, one channel", f"{hot['perSecond']:,.0f} events/s",
         f"{hot['perSecond'] / copied:.2f} x COPY, {hot['perSecond'] / many_rate:.1f} x pgbench"),
        ("pgbench, one client, commit", f"p50 {percentile(single, 0.5):.2f} ms, p99 {percentile(single, 0.99):.2f} ms", ""),
        ("append, one publisher", f"p50 {lone['p50']:.2f} ms, p99 {lone['p99']:.2f} ms",
         f"p99 {lone['p99'] / percentile(single, 0.99):.2f} x pgbench"),
        ("POST to 200, one publisher, balanceUpdate", f"p50 {percentile(posts, 0.5):.2f} ms, p99 {percentile(posts, 0.99):.2f} ms",
         f"p99 {percentile(posts, 0.99) / percentile(single, 0.99):.2f} x pgbench"),
    ]
    width = max(len(row[0]) for row in rows)
    for name, value, ratio in rows:
        print(f"{name:{width}}  {value:>32}  {ratio}".rstrip())


if __name__ == "__main__":
    main()
