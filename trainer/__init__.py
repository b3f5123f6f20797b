"""The trainer: a folder with `config.json` in, `events.jsonl` and checkpoints out. It knows no dashboard."""
