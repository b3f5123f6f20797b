"""The glue: claims jobs, runs the trainer as a child process, turns its events into rows and messages."""
