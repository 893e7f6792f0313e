"""What a researcher touches: connect, look at the catalogue, ask, plot, ask for a release. Imports nothing of the server."""
