"""Models that were really trained and quantized, for the tests that hand what was downloaded back to the trainer."""

from tests.trainer.conftest import quantized, trained

__all__ = ["quantized", "trained"]
