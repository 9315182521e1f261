# SPDX-License-Identifier: Apache-2.0
"""`python -m sandbox`: the stand-in for Jumio on its own, until SIGTERM. compose.yaml runs it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence

from sandbox.jumio import JumioStandIn


def main(argv: Sequence[str] | None = None) -> None:
    """Serve; the arguments are those of `JumioStandIn`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for Jumio.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--public-url", help="what a browser calls it by (default: loopback and the port)")
    parser.add_argument("--callback-url", help="where signed callbacks go for workflows without a callbackUrl")
    parser.add_argument("--callback-secret", default="sandbox-callback-secret", help="what they are signed with")
    parser.add_argument("--client-id", default="sandbox-client")
    parser.add_argument("--client-secret", default="sandbox-client-secret")
    given = vars(parser.parse_args(argv))
    given["public_url"] = given["public_url"] or f"http://127.0.0.1:{given['port']}"
    # Blocked before the first thread starts, so that every thread leaves them to this one.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with JumioStandIn(**given) as jumio:
        print(f"Jumio's stand-in: {jumio.url}", flush=True)
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
