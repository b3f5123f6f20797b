"""The trainer: a folder with `config.json` in, `events.jsonl` and checkpoints out. It knows no dashboard."""

# Raise it with every change after which the same config, data and seed no longer train the same weights: finished stages of
# older versions are then not reused.
VERSION = 1
