# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of the Jumio stand-in: OAuth, accounts, retrieval, and the page a person would see."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, jsonify, redirect, render_template_string, request
from werkzeug.exceptions import HTTPException

from sandbox import jumio_records
from sandbox.jumio_records import TOKEN_SECONDS, Workflow
from sandbox.jumio_rules import body_problem, business_named

if TYPE_CHECKING:
    from sandbox.jumio import JumioStandIn

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Identity verification (sandbox)</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem }
button { display: block; width: 100%; margin: .5rem 0; padding: .75rem; font: inherit }
</style>
</head>
<body>
<main>
<h1>Identity verification (sandbox)</h1>
<p>This page stands in for Jumio's. Verification of <code>{{ workflow.reference }}</code>,
workflow <code>{{ workflow.id }}</code>.</p>
{% if workflow.settled %}
<p role="status">Finished: <strong>{{ workflow.status }}</strong>{% if workflow.decision
%}, decision <strong>{{ workflow.decision.type }}</strong>{% endif %}. You may close this page.</p>
{% else %}
<form method="post">
<fieldset>
<legend>How shall it end?</legend>
<p><label>Whose document is shown <input name="document" placeholder="Jane Doe 1990-01-01"></label></p>
<button name="outcome" value="passed">Passed: the person is who they say</button>
<button name="outcome" value="warning">Warning: somebody must look at it</button>
<button name="outcome" value="rejected">Rejected: the document is no good</button>
<button name="outcome" value="not_executed">Not executed: the pictures were unusable</button>
<button name="outcome" value="expire">Give up: let the session expire</button>
</fieldset>
</form>
{% endif %}
</main>
</body>
</html>
"""


def problem(status: int, detail: str) -> Response:
    """Jumio's error body."""
    response = jsonify({"title": HTTPStatus(status).phrase, "status": status, "detail": detail})
    response.status_code = status
    return response


def make_app(jumio: JumioStandIn) -> Flask:  # noqa: C901  # one short view after another
    app = Flask("jumio-stand-in")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider

    @app.errorhandler(HTTPException)
    def _http_error(error: HTTPException) -> Response:
        return problem(error.code or 500, error.description or "")

    def guard() -> None:
        if not business_named(request.headers.get("User-Agent", "")):
            abort(403, "The User-Agent header must name your business")
        authorization = request.headers.get("Authorization", "")
        if not authorization.startswith("Bearer ") or not jumio.token_valid(authorization.removeprefix("Bearer ")):
            abort(401, "The provided credentials are invalid")

    def find(account_id: str, workflow_id: str) -> Workflow:
        found = (w for w in jumio.workflows if (w.account_id, w.id) == (account_id, workflow_id))
        return next(found, None) or abort(404, "Workflow execution not found")

    @app.post("/oauth2/token")
    def token() -> Response:
        if not business_named(request.headers.get("User-Agent", "")):
            return problem(403, "The User-Agent header must name your business")
        # The body of a refusal here is not documented; 400 and 403 are.
        given = request.authorization
        if given is None or (given.username, given.password) != (jumio.client_id, jumio.client_secret):
            return problem(403, "The provided credentials are invalid")
        if request.form.get("grant_type") != "client_credentials":
            return problem(400, "grant_type: must be client_credentials")
        # The full lifetime even when the token is an older one from Jumio's cache: only its `exp` tells.
        return jsonify(access_token=jumio.issue_token(), expires_in=TOKEN_SECONDS, token_type="Bearer")

    @app.post("/api/v1/accounts")
    @app.put("/api/v1/accounts/<account_id>")
    def start(account_id: str | None = None) -> Response:
        guard()
        body: Any = request.get_json(silent=True)
        if reason := body_problem(body):
            return problem(400, reason)
        workflow = jumio.start(body, account_id)
        if workflow is None:
            return problem(404, "Account not found")
        return jsonify(jumio_records.created(workflow, jumio.api_base_url, jumio.clock()))

    @app.get("/api/v1/accounts/<account_id>/workflow-executions/<workflow_id>")
    def details(account_id: str, workflow_id: str) -> Response:
        guard()
        with jumio.lock:
            return jsonify(jumio_records.details(find(account_id, workflow_id), jumio.api_base_url))

    def by_link() -> Workflow:
        token = request.args.get("authorizationToken")
        found = (workflow for workflow in jumio.workflows if workflow.token == token)
        return next(found, None) or abort(404, "This link is not known")

    @app.get("/web/v4/app")
    def page() -> str:
        workflow = jumio.open(by_link().id)
        return render_template_string(PAGE, workflow=workflow)

    @app.post("/web/v4/app")
    def choose() -> Any:
        workflow = by_link()
        outcome = request.form.get("outcome", "")
        if outcome not in jumio_records.OUTCOMES:
            abort(400, "outcome: one of " + ", ".join(jumio_records.OUTCOMES))
        if not workflow.settled:
            document = request.form.get("document", "").strip()
            jumio.decide(workflow.id, outcome, shows=jumio_records.names_of(document) if document else None)
        expired = workflow.status != "PROCESSED"
        target = workflow.error_url if expired else workflow.success_url
        if target is None:
            return redirect(request.full_path, 303)
        query = {
            "accountId": workflow.account_id,
            "workflowExecutionId": workflow.id,
            "acquisitionStatus": "ERROR" if expired else "SUCCESS",
            "customerInternalReference": workflow.reference,
        }
        return redirect(f"{target}?{urlencode(query)}", 303)

    return app
