"""What exists: datasets, tables and columns as declared, and how each is stored. Pure, public, data-free."""
