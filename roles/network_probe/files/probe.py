"""Tries to connect to each target and leaves what differs in the termination message.

Runs inside the pod of a probe, with nothing but Python's standard library. Allowed targets come
first and are tried until they answer: a fresh pod's policies take a moment to be in force, and only
once they are does a refusal say anything.
"""

import concurrent.futures
import json
import socket
import sys
import time

SETTLE_SECONDS = 4
ALLOWED_PATIENCE = 45
TIMEOUT = 2.0


def connects(host, port):
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT):
            return True
    except OSError:
        return False


def reaches(target):
    deadline = time.monotonic() + ALLOWED_PATIENCE
    while not connects(target["host"], target["port"]):
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def leaks(target):
    # Twice: a policy that is in force now and then is not in force.
    return connects(target["host"], target["port"]) or connects(target["host"], target["port"])


def main():
    targets = json.loads(sys.argv[1])
    allowed = [target for target in targets if target["allowed"]]
    denied = [target for target in targets if not target["allowed"]]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        reached = list(pool.map(reaches, allowed))
        time.sleep(SETTLE_SECONDS)
        leaked = list(pool.map(leaks, denied))
    results = zip(allowed + denied, reached + leaked, strict=True)
    report = {
        "allowed": len(allowed),
        "denied": len(denied),
        # A termination message holds 4096 bytes; the first differences tell enough.
        "wrong": [target for target, connected in results if connected != target["allowed"]][:25],
    }
    with open("/dev/termination-log", "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(report, file)


main()
