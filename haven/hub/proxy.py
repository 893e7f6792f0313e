"""JupyterHub's proxy with one addition: the pages and the mediator's API are served from a Unix socket too."""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from traitlets import TraitError, validate


class UnixRoutedProxy(ConfigurableHTTPProxy):
    """JupyterHub allows services only on http(s) addresses and extra routes likewise; the proxy itself speaks http+unix to any of them."""

    @validate("extra_routes")
    def _validate_extra_routes(self, proposal: dict[str, Any]) -> dict[str, str]:
        routes: dict[str, str] = proposal["value"]
        for path, target in routes.items():
            if not (path.startswith("/") and path.endswith("/") and target.startswith("http+unix://")):
                raise TraitError("an extra route leads from /path/ to http+unix://socket")
        return routes
