"""haven's tests. A package, because some installed distribution brings another one of this name."""
