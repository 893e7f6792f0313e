"""One file a revision, named `NNNN_what.py`; the highest number is the present schema."""
