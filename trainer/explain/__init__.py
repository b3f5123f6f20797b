"""Why a sentiment model answers as it does: where it looked, which words counted, and what picture and sentence say alone."""
