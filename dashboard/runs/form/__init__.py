"""The run form: generated from `trainer.config`, read back into the document that the config validates."""
