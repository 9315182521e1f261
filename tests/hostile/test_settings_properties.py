# SPDX-License-Identifier: Apache-2.0
"""Any mapping makes settings or a `SettingsError`, and neither shows a secret."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import REQUIRED, settings_of

from webhook.settings import Settings, SettingsError

NAMES = re.findall(r"^([A-Z][A-Z_]+)=", (Path(__file__).parents[2] / ".env.example").read_text(), re.MULTILINE)
SECRET_NAMES = ("ORY_WEBHOOK_SECRET", "ORY_API_KEY", "JUMIO_CLIENT_ID", "JUMIO_CLIENT_SECRET", "JUMIO_CALLBACK_SECRET")
MARK = "s3cr3t-m4rk"

# What an environment can hold: no NUL, but any byte, which Python shows as a lone surrogate.
environment_text = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)) | st.characters(categories=("Cs",)),
    max_size=20,
)
plausible = st.sampled_from(
    [
        *(value for value in REQUIRED.values() if "secret" not in value and "client" not in value),
        *("http://[", "http://[::1]:80", "https://u:p@x", "https://x?y", "http://x:99999", "https://x/" + "y" * 300),
        *("0", "65536", "-1", "٣", "1e3", "30m", "61d", "en-GB", "none,approved", "rejected,,", "deactivate", "JSON"),
        *("", " ", ",", "127.0.0.1", "::1", "fe80::1%lo", "é", "a\r\nb"),
    ]
)
values = st.none() | plausible | environment_text
secret_values = st.builds(lambda before, after: f"{before}{MARK}{after}", environment_text, environment_text)
mappings = st.fixed_dictionaries(
    {},
    optional={name: secret_values if name in SECRET_NAMES else values for name in NAMES}
    | {"UNKNOWN": environment_text},
)


def test_the_names_are_those_of_the_example() -> None:
    assert set(SECRET_NAMES) < set(NAMES)
    assert set(REQUIRED) < set(NAMES)


@settings(max_examples=400)
@given(mapping=mappings, complete=st.booleans())
def test_any_mapping_is_settings_or_a_settings_error_without_secrets(
    mapping: Mapping[str, str | None], complete: bool
) -> None:
    given_ = {**REQUIRED, **mapping} if complete else mapping
    try:
        made = Settings.from_mapping(given_)
    except SettingsError as error:
        shown, problems = f"{error} {error!r}", error.problems
    else:
        shown, problems = f"{made} {made!r}", ["none"]
        assert all(1 <= number <= 65535 for number in (made.server.port, made.server.workers))
    assert MARK not in shown
    assert problems
    assert all(problem.split()[0] in (*NAMES, "none") for problem in problems)


def test_every_field_that_holds_a_secret_is_kept_out_of_repr() -> None:
    made = settings_of(**{name: f"{MARK}-{name}" for name in SECRET_NAMES})
    concerns = [made, *(getattr(made, field.name) for field in dataclasses.fields(made))]
    holding = [
        field
        for concern in concerns
        if dataclasses.is_dataclass(concern)
        for field in dataclasses.fields(concern)
        if not dataclasses.is_dataclass(getattr(concern, field.name)) and MARK in str(getattr(concern, field.name))
    ]
    assert len(holding) == len(SECRET_NAMES) + 1  # the callbacks' secrets sign links, too
    assert not any(field.repr for field in holding)


@pytest.mark.parametrize(
    "name", ["ORY_WEBHOOK_SECRET", "JUMIO_CALLBACK_SECRET", "JUMIO_CLIENT_ID", "JUMIO_CLIENT_SECRET"]
)
def test_a_secret_that_is_not_utf_8_is_one_plain_problem(name: str) -> None:
    """An environment variable may hold any bytes; what cannot be encoded later must be told at the start."""
    with pytest.raises(SettingsError) as raised:
        settings_of(**{name: f"{MARK}\udcff"})
    [problem] = raised.value.problems
    assert problem.startswith(name)
    assert "codec" not in problem
    assert "udcff" not in problem
