# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook`: the command line. Each command's work stands in a module of its own, imported when it is run."""

import argparse
import sys
from collections.abc import Sequence

from webhook import __version__
from webhook.settings import Settings, SettingsError

EXIT_FAILED = 1
EXIT_CANNOT_RUN = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 for wrong arguments or settings."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except SettingsError as error:
        print("jumio-webhook cannot start; these settings need attention:", file=sys.stderr)
        for problem in error.problems:
            print(f"  - {problem}", file=sys.stderr)
        print("README.md has the table of settings, .env.example an example of each.", file=sys.stderr)
        return EXIT_CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jumio-webhook", description="Identity verification for Ory Kratos with Jumio."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="answer Ory's hooks and Jumio's callbacks")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="the whole flow on loopback; no account anywhere is needed")
    demo.add_argument("--serve", action="store_true", help="keep everything up and print the URLs to play with")
    demo.set_defaults(run=_demo)
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    settings = Settings.load()
    from webhook import serve

    serve.run(settings)
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from webhook.sandbox import demo  # the only place that reaches into the sandbox, and only when asked to

    return demo.run(keep_serving=arguments.serve)
