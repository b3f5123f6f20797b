"""Serving by NVIDIA's Triton: the model repository, its checks, a server to try it on, and a load test. Torch-free."""
