"""HTTP: the API and the pages. Holds no rule of its own."""
