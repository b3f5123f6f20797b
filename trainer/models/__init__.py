"""The network: two encoders, two projections, a fusion and the heads of the tasks. Importing this imports no torch."""
