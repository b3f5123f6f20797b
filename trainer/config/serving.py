"""How a model is served by Triton, and the load test of a served model."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trainer.config.settings import Settings

Precision = Literal["fp32", "int8"]


class Serving(Settings):
    """What the configuration of a Triton model repository says beside the model's inputs and outputs."""

    max_batch_size: int = Field(
        16, ge=1, le=1024, description="Most samples that are computed together.", json_schema_extra={"unit": "samples"}
    )
    preferred_batch_sizes: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (4, 8, 16), max_length=16, description="Batch sizes that are not kept waiting. Empty: none is preferred."
    )
    max_queue_delay_us: int = Field(
        2_000, ge=0, le=1_000_000, description="Longest wait of a request for others to join its batch.", json_schema_extra={"unit": "µs"}
    )
    instances: int = Field(1, ge=1, le=64, description="Copies of the model that compute side by side, on each device.")
    device: Literal["cpu", "gpu"] = Field("cpu", description="Where the model computes.")
    num_threads: int = Field(0, ge=0, le=1024, description="CPU threads of each copy; 0 takes all.", json_schema_extra={"unit": "threads"})
    cuda_graphs: bool = Field(
        False, description="On a GPU: serve a TensorRT plan of fixed shapes, its work recorded once as CUDA graphs and replayed."
    )

    @model_validator(mode="after")
    def is_consistent(self) -> Self:
        if any(size > self.max_batch_size for size in self.preferred_batch_sizes):
            raise ValueError("preferred_batch_sizes must not exceed max_batch_size")
        if self.cuda_graphs and self.device != "gpu":
            raise ValueError("cuda_graphs need the device gpu")
        return self


class LoadTestJob(Settings):
    """The load test of an export: `config.json` of its folder."""

    export: str = Field(min_length=1, description="Export folder of the model.")
    precision: Precision = Field("fp32", description="Which of the exported versions is served.")
    serving: Serving = Serving()
    entrance: Literal["pipeline", "model"] = Field(
        "pipeline", description="What is asked: the pipeline takes a picture's bytes and a sentence, the model ready arrays."
    )
    protocols: tuple[Literal["http", "grpc"], ...] = Field(("http", "grpc"), min_length=1, max_length=2, description="How it is asked.")
    concurrencies: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        (1, 2, 4, 8, 16),
        min_length=1,
        max_length=12,
        description="Clients that ask at the same time, each its next request after an answer.",
    )
    seconds: float = Field(5.0, ge=0.2, le=600, description="Measured time of each point.", json_schema_extra={"unit": "s"})
    hourly_price: float = Field(0.0, ge=0, le=10_000, description="What the machine costs in an hour; 0: no costs are told.")
    http: str = Field("", max_length=200, description="host:port of a server that runs. Empty: one is started here.")
    grpc: str = Field("", max_length=200, description="host:port of the same server's gRPC. Empty: one is started here.")

    @model_validator(mode="after")
    def is_consistent(self) -> Self:
        if len(set(self.protocols)) != len(self.protocols) or len(set(self.concurrencies)) != len(self.concurrencies):
            raise ValueError("protocols and concurrencies are named once each")
        if bool(self.http) != bool(self.grpc):
            raise ValueError("a running server is named by both its addresses, http and grpc")
        return self
