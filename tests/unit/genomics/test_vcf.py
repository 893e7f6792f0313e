"""Genotypes read from VCF agree with a plain count of the text's alleles."""

import gzip
from pathlib import Path

import pytest

from haven.errors import Refused
from haven.genomics.vcf import read_vcf

SOURCES = Path(__file__).parents[3] / "policies/datasets/sources"


def _vcf(path: Path, *records: str, samples: str = "A\tB") -> Path:
    path.write_text(
        f"##fileformat=VCFv4.1\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}\n" + "".join(r + "\n" for r in records)
    )
    return path


def test_dosage_is_the_number_of_ones_in_the_text() -> None:
    genotypes = read_vcf(SOURCES / "1000G_kidd55_2504.vcf.gz")
    with gzip.open(SOURCES / "1000G_kidd55_2504.vcf.gz", "rt") as text:
        plain = {f[2]: [c.count("1") for c in f[9:]] for f in (x.rstrip("\n").split("\t") for x in text if not x.startswith("#"))}
    assert len(genotypes.samples) == 2504
    assert {s.identifier: list(s.dosages) for s in genotypes.sites} == plain


def test_an_uncalled_allele_is_null(tmp_path: Path) -> None:
    path = _vcf(tmp_path / "a.vcf", "1\t5\trs1\tA\tC\t.\t.\t.\tGT\t./1\t0/1")
    assert read_vcf(path).sites[0].dosages == (None, 1)


def test_sites_that_are_not_bi_allelic_snps_are_left_out(tmp_path: Path) -> None:
    path = _vcf(tmp_path / "a.vcf", "1\t5\trs1\tAT\tC\t.\t.\t.\tGT\t0/0\t0/1", "1\t6\trs2\tA\tC,G\t.\t.\t.\tGT\t0/0\t0/1")
    assert read_vcf(path).sites == ()


@pytest.mark.parametrize("record", ["1\t5\trs1\tA\tC\t.\t.\t.\tGT\t0/0", "1\t5\trs1\tA\tC\t.\t.\t.\tGT\t0/0\tsecret", "nonsense"])
def test_a_broken_record_is_refused_without_its_content(tmp_path: Path, record: str) -> None:
    path = _vcf(tmp_path / "a.vcf", record)
    with pytest.raises(Refused) as refused:
        read_vcf(path)
    assert "secret" not in str(refused.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf.gz"
    path.write_bytes((SOURCES / "1000G_kidd55_2504.vcf.gz").read_bytes()[:20_000])
    with pytest.raises(Refused):
        read_vcf(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        read_vcf(tmp_path / "none.vcf")
