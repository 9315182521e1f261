# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook`: the command line. Each command's work stands in a module of its own, imported when it is run."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from webhook import __version__
from webhook.commands.arguments import WrongArgument
from webhook.core.start import REASONS
from webhook.core.times import parse_duration
from webhook.errors import Malformed
from webhook.settings import Settings, SettingsError, given_names

EXIT_CANNOT_RUN = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 for wrong arguments or settings."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except WrongArgument as error:
        print(f"jumio-webhook: {error}", file=sys.stderr)
        return EXIT_CANNOT_RUN
    except SettingsError as error:
        print("jumio-webhook cannot start; these settings need attention:", file=sys.stderr)
        for problem in error.problems:
            print(f"  - {problem}", file=sys.stderr)
        print("docs/settings.md has the table of settings, .env.example an example of each.", file=sys.stderr)
        return EXIT_CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jumio-webhook", description="Identity verification for Ory Kratos with Jumio."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="answer Ory's hooks and Jumio's callbacks")
    serve.set_defaults(run=_serve)

    sync = commands.add_parser("sync", help="look again: settle what is open, start what is due, heal what differs")
    sync.add_argument("--identity", metavar="ID", help="only this one, starting whatever it lacks")
    sync.add_argument("--forget", action="store_true", help="forget what was concluded of it and begin anew")
    sync.add_argument("--reason", metavar="TEXT", type=_reason, help="why it is forgotten; kept in the history")
    sync.add_argument("--every", metavar="SECONDS", type=_seconds, help="sweep again and again, until SIGTERM")
    sync.add_argument(
        "--full-every",
        metavar="SECONDS",
        type=_seconds,
        default=3600.0,
        help="with REDIS_URL: page through everybody so often; in between only what is open is looked at",
    )
    sync.add_argument("--metrics-port", metavar="PORT", type=_port, help="answer /metrics/prometheus there")
    sync.add_argument("--json", action="store_true", help="print one JSON object per sweep")
    sync.set_defaults(run=_sync)

    doctor = commands.add_parser("doctor", help="find what is wrong with the settings, Kratos, Jumio or the hooks")
    doctor.add_argument(
        "--kratos-config",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="look for traps in this Kratos configuration, too (YAML or JSON); several are merged as Kratos does. "
        "Environment variables that override Kratos' files are not seen",
    )
    doctor.add_argument(
        "--templates",
        metavar="DIR",
        type=Path,
        help="look here for the templates that Kratos reads from files elsewhere, by their names",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--strict", action="store_true", help="end with status 1 at warnings, too")
    doctor.set_defaults(run=_doctor)

    reverify = commands.add_parser("reverify", help="ask people who were verified to do it again")
    whom = reverify.add_mutually_exclusive_group(required=True)
    whom.add_argument("--identity", metavar="ID", help="this one")
    whom.add_argument("--older-than", metavar="90d", type=_duration, help="all whose verification is older")
    reverify.add_argument("--reason", choices=REASONS, default="scheduled")
    reverify.add_argument("--due-in", metavar="7d", type=_duration, help="after this their level falls to 1")
    reverify.add_argument("--dry-run", action="store_true", help="only print who would be asked")
    reverify.set_defaults(run=_reverify)

    explain = commands.add_parser("explain", help="whether somebody may sign in, why not, and what they can do")
    explain.add_argument("whom", metavar="ID", help="of the identity, or an address that they sign in with")
    explain.add_argument("--json", action="store_true", help="for machines")
    explain.set_defaults(run=_explain)

    demo = commands.add_parser("demo", help="the whole flow on loopback; no account anywhere is needed")
    demo.add_argument("--serve", action="store_true", help="keep everything up and print the URLs to play with")
    demo.set_defaults(run=_demo)
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    settings = Settings.load()
    from webhook.commands import serve

    serve.run(settings)
    return 0


def _sync(arguments: argparse.Namespace) -> int:
    settings = Settings.load()
    from webhook.commands import sync

    if arguments.reason is not None and not arguments.forget:
        raise WrongArgument("--reason says why something is forgotten: it needs --forget")
    return sync.run(
        settings,
        identity=arguments.identity,
        forget=(arguments.reason or "manual") if arguments.forget else None,
        every=arguments.every,
        full_every=arguments.full_every,
        metrics_port=arguments.metrics_port,
        as_json=arguments.json,
    )


def _reverify(arguments: argparse.Namespace) -> int:
    settings = Settings.load()
    from webhook.commands import reverify

    return reverify.run(
        settings,
        identity=arguments.identity,
        older_than=arguments.older_than,
        reason=arguments.reason,
        due_in=arguments.due_in,
        dry_run=arguments.dry_run,
    )


def _explain(arguments: argparse.Namespace) -> int:
    settings = Settings.load()
    from webhook.commands import explain

    return explain.run(settings, whom=arguments.whom, as_json=arguments.json)


def _reason(text: str) -> str:
    if not 1 <= len(text) <= 100 or not text.isprintable():
        raise argparse.ArgumentTypeError("must be a text of 1 to 100 printable characters")
    return text


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text, "it")
    except Malformed as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError("must be a port from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("must be a number of seconds from 1 to 86400")
    return seconds


def _doctor(arguments: argparse.Namespace) -> int:
    from webhook.commands.doctor import command, setting_names

    try:
        settings = Settings.load()
    except SettingsError as error:
        misspelt = setting_names.check(given_names(), Settings.names())
        raise SettingsError([*error.problems, *(f"{each.where} {each.what}" for each in misspelt)]) from None
    return command.run(
        settings,
        kratos_files=arguments.kratos_config,
        templates=arguments.templates,
        as_json=arguments.json,
        strict=arguments.strict,
    )


def _demo(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("sandbox") is None:
        print(
            "The demo lacks the package `sandbox`, which the production image leaves out: run `make demo` in a "
            "checkout, or pip install ory-jumio-webhook",
            file=sys.stderr,
        )
        return EXIT_CANNOT_RUN
    from sandbox import demo  # the only place that reaches into the sandbox, and only when asked to

    return demo.run(keep_serving=arguments.serve)
