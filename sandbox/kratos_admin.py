# SPDX-License-Identifier: Apache-2.0
"""The admin API of the Kratos stand-in, as far as this project uses it; with and without the /admin prefix."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask, Response, jsonify, request

from sandbox.identities import Refused, normal

if TYPE_CHECKING:
    from sandbox.kratos import KratosStandIn

NIL = "00000000-0000-0000-0000-000000000000"
INVALID = "The request was malformed or contained invalid parameters"


def make_app(kratos: KratosStandIn) -> Flask:  # noqa: C901  # one short view after another
    app = Flask("kratos-stand-in")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    people = kratos.identities

    def route(method: str, path: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        def register(view: Callable[..., Response]) -> Callable[..., Response]:
            for prefix in ("", "/admin"):
                app.add_url_rule(prefix + path, f"{method} {prefix}{path}", view, methods=[method])
            return view

        return register

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        members = {
            "code": error.code,
            "status": HTTPStatus(error.code).phrase,
            "reason": error.reason,
            "message": error.message,
        }
        response = jsonify({"error": {name: value for name, value in members.items() if value is not None}})
        response.status_code = error.code
        return response

    @app.before_request
    def check_api_key() -> None:
        """Ory Network's check; a self-hosted Kratos has none."""
        expected = f"Bearer {kratos.api_key}"
        is_health = "/health/" in request.path
        if kratos.api_key and not is_health and request.headers.get("Authorization") != expected:
            raise Refused(401, "The request could not be authorized", "Access credentials are invalid")

    @app.after_request
    def name_charset(response: Response) -> Response:
        if response.status_code < 400 and response.mimetype == "application/json":
            response.headers["Content-Type"] = "application/json; charset=utf-8"
        return response

    def is_uuid(text: str) -> None:
        try:
            UUID(text)
        except ValueError:
            raise Refused(400, f'uuid: incorrect UUID length {len(text)} in string "{text}"') from None

    def with_credentials(identity: dict[str, Any]) -> dict[str, Any]:
        # One that is asked for comes with its credentials, less their secrets; one in a list of all without them.
        names = {"type": "password", "identifiers": [normal(identity["traits"]["email"])], "version": 0}
        credentials = {"password": names, "code": {**names, "type": "code"}}
        if people.has_totp(identity["id"]):
            credentials["totp"] = {"type": "totp", "identifiers": [identity["id"]], "version": 0}
        return {**identity, "credentials": credentials}

    def shown(identity: dict[str, Any]) -> Response:
        return jsonify(with_credentials(identity))

    @route("GET", "/health/alive")
    @route("GET", "/health/ready")
    def health() -> Response:
        return jsonify(status="ok")

    @route("GET", "/version")
    def version() -> Response:
        return jsonify(version=kratos.version)

    @route("GET", "/identities")
    def page() -> Response:
        identifier = request.args.get("credentials_identifier", "")
        if ids := request.args.getlist("ids"):
            if identifier:
                raise Refused(400, INVALID, "You cannot combine multiple filters in this API")
            return jsonify(people.some(ids))
        size_text, token = request.args.get("page_size", "250"), request.args.get("page_token") or NIL
        try:
            size = int(size_text)
        except ValueError:
            raise Refused(400, INVALID, f'strconv.Atoi: parsing "{size_text}": invalid syntax') from None
        try:
            UUID(token)
        except ValueError:
            reason = "The page token is invalid, do not craft your own page tokens"
            raise Refused(400, INVALID, reason) from None
        size = min(size, 500) if size > 0 else 250
        asked = {}
        if identifier:  # an empty one is none
            asked["credentials_identifier"] = identifier
            found = people.by_identifier(identifier)
            rows, following = [with_credentials(found)] if found and found["id"] > token else [], None
        else:
            rows, following = people.page(size, token)
        response = jsonify(rows)
        links = {"first": NIL} | ({"next": following} if following else {})
        response.headers["Link"] = ",".join(
            f'</admin/identities?{urlencode({**asked, "page_size": size, "page_token": page_token})}>; rel="{name}"'
            for name, page_token in links.items()
        )
        return response

    @route("GET", "/identities/<identity_id>")
    def get(identity_id: str) -> Response:
        return shown(people.get(identity_id))

    @route("PATCH", "/identities/<identity_id>")
    def patch(identity_id: str) -> Response:
        return shown(people.patch(identity_id, request.get_json(force=True)))

    @route("GET", "/identities/<identity_id>/sessions")
    def sessions(identity_id: str) -> Response:
        is_uuid(identity_id)
        return jsonify(people.sessions(identity_id))

    @route("DELETE", "/identities/<identity_id>/sessions")
    def end_sessions(identity_id: str) -> Response:
        is_uuid(identity_id)
        people.end_sessions(identity_id)
        return Response(status=204)

    return app
