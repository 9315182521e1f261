# SPDX-License-Identifier: Apache-2.0
"""The alert rules: well-formed, and about metrics that the service really has."""

import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY

import webhook.runtime.metrics

ALERTS = Path(__file__).parents[2] / "docs" / "alerts.yaml"


def test_every_rule_is_whole_and_asks_for_metrics_that_exist() -> None:
    assert webhook.runtime.metrics.observe, "importing it registers them"
    families = {family.name for family in REGISTRY.collect()}
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}
        for name in re.findall(r"\bjumio_webhook_\w+", rule["expr"]):
            assert re.sub(r"_(total|count|sum|bucket)$", "", name) in families, name
