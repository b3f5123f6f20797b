"""What is wrong or doubtful about a run, each with the path of its field, said before anything starts. Torch-free."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from trainer import parameters
from trainer.amounts import num_steps, planned_sources, tokens_per_sample
from trainer.catalog import Card
from trainer.config import TASKS_OF, AnyTask, ImageTextModel, LanguageModel, Model, Run, Stage
from trainer.loaded import check_model

# For each task the columns of which a data set must have one group; the first is the one that a message names.
TEXTS = (("text",), ("head", "relation", "tail"), ("instruction", "output"), ("problem", "solution"))
NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "image_classification": (("image", "label"),),
    "masked_lm": (("text",),),
    "image_text_matching": (("image", "text"),),
    "image_text_contrast": (("image", "text"),),
    "sentiment": (("image", "text", "label"),),
    "causal_lm": TEXTS,
    "triples": (("head", "relation", "tail"),),
    "equations": (("problem", "solution"),),
    "instructions": (("instruction", "output"),),
}
# What a language model is asked about a data set that its stage did not learn from, by the kind of the data set.
TASK_OF_KIND = {"text": "causal_lm", "triples": "triples", "instructions": "instructions", "equations": "equations"}
# The families whose models can be made INT8.
QUANTIZED = ("image_text", "causal_lm")
COMPARES_SAMPLES = ("image_text_matching", "image_text_contrast")
MANY_EPOCHS = 20
FieldPath = tuple[str | int, ...]
Cards = Mapping[str, Card]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a field; `blocks` means that the run cannot start."""

    path: FieldPath
    message: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.message}"


def fits(kind: str, card: Card) -> bool:
    """Whether a data set has the columns that a task needs."""
    return any(set(group) <= set(card.columns) for group in NEEDS[kind])


def can_be_asked(family: str, kinds: Collection[str], card: Card) -> bool:
    """Whether a model that has learnt these tasks can be evaluated on a data set; a language model on every kind of text."""
    own = TASK_OF_KIND.get(card.kind or "", "")
    return any(fits(kind, card) for kind in kinds) or (family != "image_text" and own in TASKS_OF[family])


def check(run: Run, cards: Cards) -> list[Problem]:
    """Returns what is wrong or doubtful, each with the path of its field."""
    found = [Problem(path, message) for path, message in check_model(run.model)]
    found += [problem for index, stage in enumerate(run.stages) for problem in check_stage(stage, index, cards, run.model)]
    return [*found, *check_quantization(run)]


def check_quantization(run: Run) -> Iterator[Problem]:
    if not run.quantization:
        return
    if isinstance(run.model, LanguageModel):
        if run.model.family not in QUANTIZED:
            yield Problem(("quantization",), f"a model of the family {run.model.family} is not quantized; leave it out")
    elif run.stages[-1].tasks[0].kind != "sentiment":
        message = "the last stage's first task must be sentiment, for its classifier is what is quantized; or leave quantization out"
        yield Problem(("quantization",), message)


def check_stage(stage: Stage, index: int, cards: Cards, model: Model) -> list[Problem]:
    place = ("stages", index)
    found = [
        problem for number, task in enumerate(stage.tasks) for problem in check_task(stage, task, (*place, "tasks", number), cards, model)
    ]
    found += [*check_curriculum(stage, place), *check_batch(stage, place)]
    if any(problem.blocks for problem in found):
        return found
    return [*found, *check_length(stage, place, cards, model), *check_trainable(stage, place, cards, model)]


def check_task(stage: Stage, task: AnyTask, path: FieldPath, cards: Cards, model: Model) -> Iterator[Problem]:
    family = model.family
    if task.kind not in TASKS_OF[family]:
        yield Problem((*path, "kind"), f"a model of the family {family} has no task {task.kind}; it offers {', '.join(TASKS_OF[family])}")
        return
    classes = set()
    for number, source in enumerate(task.sources):
        place = (*path, "sources", number)
        card = cards.get(source.dataset)
        if card is None:
            yield Problem((*place, "dataset"), f"there is no data set {source.dataset!r}; there are {', '.join(cards)}")
            continue
        classes.add(card.classes)
        yield from check_source(task, card, place)
        if stage.epochs and isinstance(model, LanguageModel) and not tokens_per_sample(card.name, cards):
            yield Problem(("stages", path[1], "epochs"), f"{card.name} does not say how many words it has: give steps")
    if len(classes) > 1 and needs(task, "label"):
        yield Problem((*path, "sources"), "the data sets of one task must have the same classes")
    yield from check_repetition(stage, task, path, cards, model)


def needs(task: AnyTask, column: str) -> bool:
    return any(column in group for group in NEEDS[task.kind])


def check_source(task: AnyTask, card: Card, place: FieldPath) -> Iterator[Problem]:
    if not fits(task.kind, card):
        missing = " and no ".join(column for column in NEEDS[task.kind][0] if column not in card.columns)
        yield Problem((*place, "dataset"), f"{card.name} has no {missing}, which {task.kind} needs")
    for split in ("train", "validation"):
        if not card.num_samples.get(split):
            yield Problem((*place, "dataset"), f"the {split} split of {card.name} is empty")


def check_repetition(stage: Stage, task: AnyTask, path: FieldPath, cards: Cards, model: Model) -> Iterator[Problem]:
    """Doubtful, not wrong: a source that is seen very often, or never."""
    if any(source.dataset not in cards for other in stage.tasks for source in other.sources):
        return
    for number, source in enumerate(planned_sources(stage, task, cards, model)):
        place, amount, unit = (*path, "sources", number, "share"), source.num_tokens, "token"
        if amount is None:
            amount, unit = source.num_samples, "sample"
        if amount == 0:
            yield Problem(place, f"not one {unit} of {source.dataset} would be drawn", False)
        if source.epochs > MANY_EPOCHS:
            yield Problem(place, f"{source.dataset} is seen {source.epochs:.1f} times; lower its share or add data", False)


def check_curriculum(stage: Stage, place: FieldPath) -> Iterator[Problem]:
    """A measure of what a task's data does not have would put every sample in one place."""
    if stage.curriculum is None:
        return
    for measure, column, lacks in (("length", "text", "text"), ("rarity", "text", "text"), ("entropy", "image", "pictures")):
        blind = [task.kind for task in stage.tasks if not has(task, column)]
        if getattr(stage.curriculum, measure) and blind:
            yield Problem((*place, "curriculum", measure), f"{measure} cannot be measured: the data of {blind[0]} has no {lacks}")


def has(task: AnyTask, column: str) -> bool:
    """What only language models learn from is text, whatever its columns are called."""
    return needs(task, column) or (column == "text" and not needs(task, "image"))


def check_batch(stage: Stage, place: FieldPath) -> Iterator[Problem]:
    if stage.task_weighting == "uncertainty" and len(stage.tasks) == 1:
        yield Problem((*place, "task_weighting"), "has no effect on a single task: leave it fixed")
    comparing = [task.kind for task in stage.tasks if task.kind in COMPARES_SAMPLES]
    if comparing and stage.batch_size // stage.accumulation < 2:
        field = "accumulation" if stage.batch_size > 1 else "batch_size"
        yield Problem((*place, field), f"{comparing[0]} compares the samples of a part with each other: leave at least 2 in it")


def check_length(stage: Stage, place: FieldPath, cards: Cards, model: Model) -> Iterator[Problem]:
    count, schedule = num_steps(stage, cards, model), stage.schedule
    if schedule.warmup_steps >= count:
        yield Problem((*place, "schedule", "warmup_steps"), f"must be less than the stage's {count:,} steps")
    elif schedule.decay_steps and schedule.decay_steps > count - schedule.warmup_steps:
        left = count - schedule.warmup_steps
        yield Problem((*place, "schedule", "decay_steps"), f"must not be more than the {left:,} steps behind the warm-up")


def check_trainable(stage: Stage, place: FieldPath, cards: Cards, model: Model) -> Iterator[Problem]:
    """Where the weights cannot be seen from here, the trainer says so when it has loaded them."""
    counts = parameters.count(model, stage, cards)
    if counts is None:
        return
    unknown = [choice for choice in stage.trainable if counts.trainable((choice,)) is None]
    if unknown:
        yield Problem((*place, "trainable"), f"{unknown[0]!r} matches no parameter of the model")
        return
    used = replace(counts, sizes={name: size for name, size in counts.sizes.items() if takes_part(name, stage, model)})
    if all(used.trainable((choice,)) is None for choice in stage.trainable):
        yield Problem((*place, "trainable"), "nothing would be learnt: all that takes part in the stage's tasks is frozen")


def takes_part(name: str, stage: Stage, model: Model) -> bool:
    return isinstance(model, LanguageModel) or any(name.startswith(parts_of(task, model)) for task in stage.tasks)


def parts_of(task: AnyTask, model: ImageTextModel) -> tuple[str, ...]:
    """The prefixes of the parameters that a task's loss depends on."""
    head, one_sided = f"heads.{task.kind}", {"image": ("image",), "text": ("text",)}
    if task.kind == "image_classification":
        return ("image.", head)
    if task.kind == "masked_lm":
        return ("text.", head)
    sides = one_sided.get(model.inputs, ("image", "text")) if task.kind == "sentiment" else ("image", "text")
    return (*sides, head, *(("fusion",) if task.kind == "sentiment" else ()))
