"""Model families: for each a learner, which the one training loop drives."""
