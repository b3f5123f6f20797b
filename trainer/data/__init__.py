"""From data sets on disk to batches of arrays; torch-free."""
