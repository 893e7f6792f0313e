"""What a notebook says of a value that was chosen among candidates: how many ranks it may be off, and no ± of its own."""

from haven.client import display
from haven.client.receipt import mechanism_table

CHOSEN = {"of": "median of bmi", "mechanism": "report noisy max (Gumbel)", "scale": 4.669, "rank_error_95": 1234, "candidates": 1023}
NOISED = {"of": "number of rows", "mechanism": "discrete Gaussian", "scale": 4.5, "half_width_95": 9}


def test_a_choice_may_be_off_by_ranks_and_noise_by_a_half_width() -> None:
    assert display.off_by(CHOSEN) == "± 1,234 ranks"
    assert display.off_by(NOISED) == "± 9"


def test_a_receipt_lists_both() -> None:
    shown = mechanism_table([CHOSEN, NOISED])
    assert "± 1,234 ranks" in shown
    assert "± 9<" in shown
