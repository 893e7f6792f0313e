# ruff: noqa: INP001 - JupyterHub reads this file by its path
"""What `jupyterhub -f` reads. Everything is in haven.hub.config; the launcher names the settings."""

import os
from pathlib import Path

from haven.hub.config import configure
from haven.hub.settings import SETTINGS_VARIABLE, HubSettings

configure(get_config(), HubSettings.load(Path(os.environ[SETTINGS_VARIABLE])))  # noqa: F821 - JupyterHub puts get_config here
