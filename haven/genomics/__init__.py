"""Genotypes: read from VCF. What is computed on them is built from the same plans as every other question."""
