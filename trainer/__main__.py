"""`python -m trainer VERB ...`. Exit status: 0 done, 1 failed, 2 what the user gave is wrong, 3 stopped on request."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from trainer.failures import complaints
from trainer.triton.options import add_serving_options

stop = threading.Event()
# transformers imports torchao where it finds it, which warns of its GPU kernels and of its own use of torch.
NOISY = ("torchao", "torch.utils._pytree")


def train(options: argparse.Namespace) -> int:
    from trainer.train import train

    return train(options.folder, options.datasets, stop.is_set, options.doorbell)


def evaluate(options: argparse.Namespace) -> int:
    from trainer.testing import evaluate_folder, evaluate_job, is_job, summary

    if is_job(options.folder):
        return evaluate_job(options.folder, options.datasets, stop.is_set, options.doorbell)
    chosen = {"chosen": options.checkpoint, "dataset": options.dataset, "to": options.to}
    found = evaluate_folder(options.folder, options.split, options.datasets, **chosen)
    print(json.dumps(found if options.json else summary(found), indent=1, ensure_ascii=False))
    return 0


def quantize(options: argparse.Namespace) -> int:
    from trainer.quantization.job import quantize

    return quantize(options.folder, options.datasets, stop.is_set, options.doorbell)


def measure(options: argparse.Namespace) -> int:
    from trainer.quantization.measuring import measure_folder

    measure_folder(options.folder)
    return 0


def export(options: argparse.Namespace) -> int:
    if options.format == "triton":
        from trainer.triton.options import export_triton

        print(export_triton(options))
        return 0
    from trainer.export import export_folder

    print(export_folder(options.folder, options.to, options.format))
    return 0


def check_triton(options: argparse.Namespace) -> int:
    from trainer.triton.options import check_triton

    return check_triton(options)


def load_test(options: argparse.Namespace) -> int:
    from trainer.triton.load_test import load_test

    return load_test(options.folder, stop.is_set, options.doorbell)


def predict(options: argparse.Namespace) -> int:
    from trainer.predict import predict_files

    print(json.dumps(predict_files(options.folder, options.image, options.text, options.precision), ensure_ascii=False))
    return 0


def serve(options: argparse.Namespace) -> int:
    from trainer.serve import serve

    if options.gentle:
        os.nice(10)
    return serve(sys.stdin, sys.stdout)


def plan(options: argparse.Namespace) -> int:
    from trainer.plan import print_plan

    return print_plan(options.file, options.datasets, as_json=options.json)


def import_dataset(options: argparse.Namespace) -> int:
    from trainer.data.importers import import_folder

    return import_folder(options)


VERBS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "train": (train, "train the stage or the run of a folder"),
    "plan": (plan, "say what a config would do"),
    "evaluate": (evaluate, "test a checkpoint of a folder"),
    "quantize": (quantize, "make INT8 and measure it beside FP32 and BF16"),
    "measure": (measure, "time one precision, as `quantize` has it done in a process apart"),
    "export": (export, "write ONNX with its card, transformers folders, or a Triton model repository"),
    "check-triton": (check_triton, "say what is wrong in a Triton model repository"),
    "load-test": (load_test, "measure a served model under load"),
    "predict": (predict, "class and probabilities of a picture and a sentence"),
    "serve": (serve, "answer predictions on standard input"),
    "import": (import_dataset, "read a data set from a folder"),
}


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m trainer")
    verbs = found.add_subparsers(dest="verb", required=True, metavar="VERB")
    parsers = {name: verbs.add_parser(name, help=text) for name, (_, text) in VERBS.items()}
    for name in ("train", "evaluate", "quantize", "measure", "export", "check-triton", "load-test", "predict"):
        parsers[name].add_argument("folder", type=Path)
    for name in ("train", "evaluate", "quantize", "load-test", "plan"):
        parsers[name].add_argument("--datasets", type=Path, action="append", default=[], help="folder of imported data sets")
    for name in ("train", "evaluate", "quantize", "measure", "load-test", "serve"):
        parsers[name].add_argument("--lifeline", action="store_true", help="end as soon as standard input closes")
    for name in ("train", "evaluate", "quantize", "load-test"):
        parsers[name].add_argument("--doorbell", type=int, metavar="FD", help="open pipe that gets a byte after each flush of events")
    parsers["serve"].add_argument("--gentle", action="store_true", help="leave the processor to others")
    add_evaluation_options(parsers["evaluate"])
    parsers["export"].add_argument("--to", type=Path, required=True)
    parsers["export"].add_argument("--format", choices=("onnx", "transformers", "triton"), default="onnx")
    add_serving_options(parsers["export"])
    parsers["check-triton"].add_argument("--load", action="store_true", help="load it in a real server too")
    parsers["predict"].add_argument("--image", type=Path)
    parsers["predict"].add_argument("--text", default="")
    parsers["predict"].add_argument("--precision", choices=("fp32", "int8"), default="fp32")
    parsers["plan"].add_argument("file", type=Path)
    parsers["plan"].add_argument("--json", action="store_true")
    add_import_options(parsers["import"])
    return found


def add_evaluation_options(found: argparse.ArgumentParser) -> None:
    found.add_argument("--split", choices=("train", "validation", "test"), default="test")
    found.add_argument("--checkpoint", type=Path, help="folder of a checkpoint, or its name; the last one otherwise")
    found.add_argument("--dataset", default="", help="data set to ask about; those of the stage otherwise")
    found.add_argument("--to", type=Path, help="folder, or a file .json, for the figures; what was said of every sample lies beside them")
    found.add_argument("--json", action="store_true", help="print all figures, not the summary")


def add_import_options(found: argparse.ArgumentParser) -> None:
    found.add_argument("name", help="name of the data set")
    found.add_argument("source", type=Path, nargs="?", help="folder to read; with --format datasets also a hub name; none for equations")
    found.add_argument("--to", type=Path, required=True, help="folder of imported data sets")
    found.add_argument("--format", choices=("auto", "table", "classes", "mvsa", "datasets", "code", "jsonl", "equations"), default="auto")
    found.add_argument("--classes", help="comma-separated; other labels are left out and counted")
    found.add_argument("--split-file", type=Path, action="append", default=[], help="JSON list of {id, ...} as train, validation, test")
    found.add_argument("--consistent-only", action="store_true", help="MVSA: keep pairs whose two labels agree")
    found.add_argument("--origin", choices=("human", "synthetic"), help="who wrote the instructions")
    found.add_argument("--count", type=int, help="equations: how many to make up")
    found.add_argument("--seed", type=int, default=0, help="of the split, and of what equations are made up")


def die_with_standard_input() -> None:
    """The worker holds the other end: when it dies, however, the pipe closes and this process ends with it."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    if getattr(options, "lifeline", False) and options.verb != "serve":
        die_with_standard_input()
    if options.verb == "train":
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    return run(VERBS[options.verb][0], options)


def run(verb: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        return verb(options)
    except (ValueError, FileNotFoundError) as error:
        print(*complaints(error), sep="\n", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    sys.exit(main())
