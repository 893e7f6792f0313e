"""How JupyterLab behaves in a sandbox: configuration files that lie in the sandbox's /etc/jupyter, where a researcher cannot change them.

The researcher's browser is a way out of its own: what a notebook shows could load or send something. The content security policy keeps
every page of the server to its own origin, without inline script; a person who follows a link still leaves, and that no header can stop.
"""

import json

# 'unsafe-eval': JupyterLab compiles its settings schemas in the browser; inline styles: every editor and table uses them
CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# news and extensions come from other hosts; an output of type application/javascript would run in the page in spite of the policy
_DISABLED = ("@jupyterlab/apputils-extension:announcements", "@jupyterlab/extensionmanager-extension", "@jupyterlab/javascript-extension")


def configuration(kernel_idle_seconds: int, server_idle_seconds: int) -> dict[str, str]:
    """Files of /etc/jupyter by name: idle kernels and servers end by themselves; Lab asks no other host for news, updates or extensions."""
    server = {
        "ServerApp": {
            "tornado_settings": {"headers": HEADERS},
            "shutdown_no_activity_timeout": server_idle_seconds,
            "root_dir": "/home/user",
        },
        "MappingKernelManager": {"cull_idle_timeout": kernel_idle_seconds, "cull_interval": 60, "cull_connected": True},
        "LabApp": {"extension_manager": "readonly", "news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"},
    }
    page = {"disabledExtensions": dict.fromkeys(_DISABLED, True)}
    return {"jupyter_server_config.json": json.dumps(server), "labconfig/page_config.json": json.dumps(page)}
