"""The hub and its sandboxes: JupyterHub, bubblewrap, the gateway between a kernel and the house, and who is asking."""
