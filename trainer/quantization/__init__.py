"""After training: INT8 graphs of a model, made in two ways, and what each precision costs and gains."""
