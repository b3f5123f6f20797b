"""The precisions that are compared, and what they are called. Free of torch."""

from __future__ import annotations

EAGER, WHOLE, HALF, PTQ, QAT = "fp32_eager", "fp32", "bf16", "int8_ptq", "int8_qat"
WEIGHT, DYNAMIC = "int8_weight", "int8_dynamic"  # of language models
NAMES = {
    EAGER: "FP32 in PyTorch",
    WHOLE: "FP32",
    HALF: "BF16",
    PTQ: "INT8 by calibration",
    QAT: "INT8 by training",
    WEIGHT: "INT8 of the weights",
    DYNAMIC: "INT8 of weights and activations",
}
INT8 = (PTQ, QAT, WEIGHT, DYNAMIC)
BF16_FILE = "bf16.safetensors"
