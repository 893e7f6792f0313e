"""Genotypes out of VCF text: the number of alternate alleles of each person at each bi-allelic site."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from haven.errors import Code, Refused

FIRST_SAMPLE = 9
GENOTYPE = re.compile(r"^([01.])[|/]([01.])$")
NUCLEOTIDES = re.compile(r"^[ACGT]$")


@dataclass(frozen=True, slots=True)
class Site:
    """One bi-allelic SNP: its identifier, alleles, and each sample's alternate-allele count (0, 1, 2, or None where not called)."""

    identifier: str
    reference: str
    alternate: str
    dosages: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Genotypes:
    """Samples in file order, and sites in file order; every site has one dosage a sample."""

    samples: tuple[str, ...]
    sites: tuple[Site, ...]


def read_vcf(path: Path) -> Genotypes:
    """Read every bi-allelic SNP with a GT field from a VCF (plain or gzip; VCF 4.x). Other sites are left out.

    Raises:
        Refused: the file is missing, is not a VCF, or a record does not hold one genotype a sample.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            return _genotypes(path, iter(lines))
    except (OSError, EOFError, UnicodeDecodeError):
        raise _unreadable(path) from None


def _genotypes(path: Path, lines: Iterator[str]) -> Genotypes:
    header = next((line for line in lines if line.startswith("#CHROM\t")), None)
    if header is None:
        raise _unreadable(path)
    samples = tuple(header.rstrip("\n").split("\t")[FIRST_SAMPLE:])
    sites = (_site(path, line.rstrip("\n").split("\t"), len(samples)) for line in lines if line.strip())
    return Genotypes(samples, tuple(site for site in sites if site is not None))


def _site(path: Path, fields: list[str], samples: int) -> Site | None:
    if len(fields) != FIRST_SAMPLE + samples:
        raise _unreadable(path)
    _, _, identifier, reference, alternate, _, _, _, layout, *calls = fields
    if not (NUCLEOTIDES.match(reference) and NUCLEOTIDES.match(alternate)) or layout.split(":")[0] != "GT":
        return None
    return Site(identifier, reference, alternate, tuple(_dosage(path, call.split(":")[0]) for call in calls))


def _dosage(path: Path, call: str) -> int | None:
    alleles = GENOTYPE.match(call)
    if alleles is None:
        raise _unreadable(path)
    if "." in alleles.groups():
        return None
    return int(alleles[1]) + int(alleles[2])


def _unreadable(path: Path) -> Refused:
    return Refused(
        Code.INGEST_SOURCE,
        f"{path.name} is not a readable VCF of diploid genotypes.",
        "Write one GT field a sample, as 0/1 or 0|1, under one #CHROM header line.",
    )
