# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook explain ID`: why somebody has the level they have. It writes nothing."""

import json
import sys

from webhook import wiring
from webhook.commands.arguments import identity_id_of
from webhook.core.explanation import as_text, explanation
from webhook.errors import KratosError
from webhook.idv.jumio.words import grade_of
from webhook.runtime import log
from webhook.settings import Settings


def run(settings: Settings, *, identity: str, as_json: bool) -> int:
    """Print it; 1 when Kratos does not tell.

    :raises WrongArgument: the identity id is none.
    """
    log.configure(log_format=settings.log.format, level="warning")
    identity_id = identity_id_of(identity, "ID")
    services = wiring.for_commands(settings)
    try:
        found = services.kratos.get(identity_id)
    except KratosError as error:
        print(f"{identity_id}: {error}", file=sys.stderr)
        return 1
    told = explanation(
        found.record,
        verified_address=found.verified_address,
        table=settings.verification.assurance_table,
        grade_of=grade_of,
        now=services.clock(),
    )
    print(json.dumps(told, indent=2) if as_json else f"identity         {identity_id}\n{as_text(told)}")
    return 0
