"""The Flask application."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from graph_gateway.execution import Executor
from graph_gateway.http import GatewayView, broken, not_graphql, websocket_view
from graph_gateway.sockets.server import SocketServer
from tu_common.health import Health

MAX_BODY_BYTES = 65_536


def create_app(executor: Executor, sockets: SocketServer, health: Health) -> Flask:
    app = Flask("graph_gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.add_url_rule("/graphql", view_func=GatewayView.as_view("graphql", executor))
    app.add_url_rule(
        "/graphql", "websocket", websocket_view(sockets), methods=["GET"], websocket=True
    )
    app.register_blueprint(health.blueprint())
    app.register_error_handler(HTTPException, not_graphql)
    app.register_error_handler(Exception, broken)
    return app
