"""JupyterHub's configuration for one haven, made from its typed settings.

Guaranteed: the one TCP port is the public one; the hub's API, the proxy's API, the service and every server are Unix sockets; only
researchers hold the permission to start servers, and nobody holds a permission on anyone else's.
"""

from collections.abc import Callable
from typing import Any

from haven.hub.accounts import Accounts, HubAccounts
from haven.hub.authenticator import HavenAuthenticator
from haven.hub.environment import node
from haven.hub.proxy import UnixRoutedProxy
from haven.hub.settings import HOME_VARIABLE, SETTINGS_VARIABLE, HubSettings, socket_url
from haven.hub.spawner import BubblewrapSpawner
from haven.ledger.ledger import Ledger
from haven.policy.roles import Role
from haven.settings import Home, books_of

SERVICE = "haven"
SERVICE_PREFIX = f"/services/{SERVICE}/"
LOG_IN = f"{SERVICE_PREFIX}log-in?next={SERVICE_PREFIX}"
_CALLBACK = f"{SERVICE_PREFIX}oauth_callback"
_OPEN_SERVICE = f"access:services!service={SERVICE}"

# JupyterHub's own pages carry inline scripts and styles of its templates
_HUB_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def configure(c: Any, settings: HubSettings, open_accounts: Callable[[], Accounts] | None = None) -> None:  # noqa: ANN401 - traitlets' lazy config
    """Fill JupyterHub's configuration object `c`."""
    _addresses(c, settings)
    _people(c, open_accounts or (lambda: HubAccounts.of(Ledger.open(books_of(Home(settings.home))))))
    _servers(c, settings)
    _service(c, settings)


def landing_page(handler: Any) -> str:  # noqa: ANN401 - JupyterHub's handler
    """Where a person starts: a stranger at the log-in, a researcher at their sandbox, everyone else at their pages."""
    user = handler.current_user
    if user is None:
        return "/hub/login"
    # straight to the log-in of the pages, which the hub answers without a question: their front page is public
    return "/hub/spawn" if any(group.name == Role.RESEARCHER for group in user.groups) else LOG_IN


def _addresses(c: Any, settings: HubSettings) -> None:  # noqa: ANN401 - traitlets' lazy config
    """Where everything listens and what is kept."""
    places = settings.places
    hub = socket_url(places.hub_socket)
    c.JupyterHub.bind_url = settings.address
    c.JupyterHub.hub_bind_url = hub
    c.JupyterHub.hub_connect_url = hub
    c.JupyterHub.hub_socket_mode = 0o600
    c.JupyterHub.db_url = f"sqlite:///{places.state}/jupyterhub.sqlite"
    c.JupyterHub.cookie_secret_file = f"{places.state}/cookie_secret"
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.cleanup_proxy = True
    c.JupyterHub.tornado_settings = {"headers": {"Content-Security-Policy": _HUB_POLICY, "Referrer-Policy": "same-origin"}}
    c.JupyterHub.default_url = landing_page
    c.JupyterHub.template_vars = {"announcement": f'Datasets, requests and decisions: <a href="{LOG_IN}">haven\'s pages</a>'}
    c.JupyterHub.proxy_class = UnixRoutedProxy
    c.ConfigurableHTTPProxy.api_url = socket_url(places.proxy_socket)
    c.ConfigurableHTTPProxy.pid_file = str(places.run / "proxy.pid")
    script = settings.project / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    c.ConfigurableHTTPProxy.command = [str(node()), str(script)]
    c.ConfigurableHTTPProxy.command_umask = 0o077
    c.UnixRoutedProxy.extra_routes = {SERVICE_PREFIX: socket_url(places.service_socket)}


def _people(c: Any, open_accounts: Callable[[], Accounts]) -> None:  # noqa: ANN401 - traitlets' lazy config
    """Accounts are haven's; permissions follow the role."""
    c.JupyterHub.authenticator_class = HavenAuthenticator
    c.HavenAuthenticator.open_accounts = open_accounts
    c.Authenticator.allow_all = True  # whoever has an account; the books decide who has
    c.Authenticator.manage_groups = True
    c.Authenticator.auth_refresh_age = 60
    c.Authenticator.refresh_pre_spawn = True
    c.JupyterHub.load_roles = [
        {"name": "user", "description": "Anyone with an account", "scopes": ["read:users!user", _OPEN_SERVICE]},
        {"name": "researcher", "description": "May have a sandbox", "scopes": ["self", _OPEN_SERVICE], "groups": [Role.RESEARCHER.value]},
    ]


def _servers(c: Any, settings: HubSettings) -> None:  # noqa: ANN401 - traitlets' lazy config
    """Sandboxes."""
    c.JupyterHub.spawner_class = BubblewrapSpawner
    c.BubblewrapSpawner.settings = settings
    c.Spawner.default_url = "/lab"
    c.Spawner.disable_user_config = True
    c.Spawner.start_timeout = 60
    c.Spawner.http_timeout = 30
    c.Spawner.poll_interval = 5
    c.Spawner.mem_limit = settings.memory_mb << 20
    c.Spawner.cpu_limit = settings.cpus
    c.JupyterHub.allow_named_servers = False


def _service(c: Any, settings: HubSettings) -> None:  # noqa: ANN401 - traitlets' lazy config
    """The mediator and the pages, started and restarted by the hub, with log-in through it."""
    places = settings.places
    c.JupyterHub.services = [
        {
            "name": SERVICE,
            "command": list(settings.service_command),
            "cwd": str(settings.project),
            "oauth_redirect_uri": _CALLBACK,
            "oauth_no_confirm": True,  # it is part of the house, not a third party
            "display": True,
            "environment": {
                "JUPYTERHUB_SERVICE_PREFIX": SERVICE_PREFIX,
                "JUPYTERHUB_OAUTH_CALLBACK_URL": _CALLBACK,
                "HAVEN_SERVICE_SOCKET": str(places.service_socket),
                "HAVEN_GATEWAY_KEY_FILE": str(places.gateway_key),
                SETTINGS_VARIABLE: str(places.settings_file),
                HOME_VARIABLE: str(settings.home),
            },
        }
    ]
