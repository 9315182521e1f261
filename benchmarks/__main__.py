# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks`: what `make bench` and `make bench-sync` run."""

import argparse

from benchmarks.beside import beside
from benchmarks.compare import compare
from benchmarks.sweep import sweep

RUNS = {"requests": compare, "beside": beside, "sync": sweep}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", nargs="?", choices=RUNS, default="requests")
    parser.add_argument("--identities", type=int, default=100_000, help="for sync")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="a round, of each cheap kind")
    parser.add_argument("--flows", type=int, default=600, help="initiates, and callbacks, a round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--registrations", type=int, default=200, help="in flight beside the sign-ins")
    arguments = parser.parse_args()
    RUNS[arguments.what](arguments)


if __name__ == "__main__":
    main()
