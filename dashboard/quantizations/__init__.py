"""The quantizations of a run: the ledger of precisions, the export gate, the curve of the training with rounding, the flipped samples."""
