"""The precisions that are compared, and what they are called. Free of torch."""

from __future__ import annotations

EAGER, WHOLE, HALF, PTQ, QAT = "fp32_eager", "fp32", "bf16", "int8_ptq", "int8_qat"
NAMES = {EAGER: "FP32 in PyTorch", WHOLE: "FP32", HALF: "BF16", PTQ: "INT8 by calibration", QAT: "INT8 by training"}
INT8 = (PTQ, QAT)
BF16_FILE = "bf16.safetensors"
