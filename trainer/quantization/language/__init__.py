"""A causal language model in INT8, its weights alone or its activations too, and what each precision costs and gains."""
