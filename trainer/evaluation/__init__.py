"""What a trained model is worth on a split: figures, their certainty, and what was said of every sample."""
