"""Rows are full, documents stay apart, every answer is asked for once, shares hold, and a packer goes on where it stopped."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from trainer.data.documents import Documents
from trainer.data.masking import Alphabet, hide
from trainer.data.packing import Packed, Packer, in_order
from trainer.data.token_mixture import TokenMixture

PAD, LENGTH = 0, 64
NAMES = [("causal_lm", "texts"), ("triples", "facts"), ("instructions", "talks")]


def documents(number: int, lengths: np.ndarray, *, is_plain: bool) -> Documents:
    """Every token of a source occurs once, so that it tells where it came from."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.arange(offsets[-1], dtype=np.int32) + 1 + number * 1_000_000
    num_prompt = np.zeros(len(lengths), np.int64) if is_plain else np.maximum(lengths // 2, 1)
    return Documents(NAMES[number][1], tokens, offsets, num_prompt, np.arange(len(lengths)), is_plain)


def sources() -> list[Documents]:
    rng = np.random.default_rng(0)
    return [
        documents(0, rng.integers(5, 300, 40), is_plain=True),
        documents(1, rng.integers(4, 14, 500), is_plain=False),
        documents(2, rng.integers(10, LENGTH + 1, 120), is_plain=False),
    ]


def packer(shares: tuple[float, ...] = (50, 30, 20), seed: int = 1) -> tuple[Packer, TokenMixture]:
    found = sources()
    mixture = TokenMixture(NAMES, [len(each) for each in found], shares, seed)
    return Packer(mixture, found, [0, 1, 2], LENGTH, PAD), mixture


def pieces_of(packed: Packed) -> list[tuple[int, list[int]]]:
    """(place in the flat batch, tokens) of each piece, told apart by the positions alone; padding is left out."""
    found = []
    for row, (tokens, positions) in enumerate(zip(packed.tokens.tolist(), packed.positions.tolist(), strict=True)):
        starts = [place for place, position in enumerate(positions) if position == 0] + [LENGTH]
        for start, stop in pairwise(starts):
            assert positions[start:stop] == list(range(stop - start))
            if tokens[start] != PAD:
                found.append((row * LENGTH + start, tokens[start:stop]))
    return found


def owner(token: int, found: list[Documents]) -> tuple[int, int, int]:
    """The source, the document and the place in it that a token comes from."""
    source, number = divmod(token - 1, 1_000_000)
    document = int(np.searchsorted(found[source].offsets, number, side="right")) - 1
    return source, document, number - int(found[source].offsets[document])


def test_a_piece_is_a_stretch_of_one_document_and_an_answered_one_is_whole() -> None:
    found, (packs, _) = sources(), packer()
    for _, tokens in pieces_of(packs.batch(200, 1)):
        source, document, start = owner(tokens[0], found)
        assert tokens == found[source].piece(document, start, start + len(tokens)).tolist()
        if not found[source].is_plain:
            assert (start, len(tokens)) == (0, found[source].lengths[document])


def test_predicted_is_the_next_token_of_the_same_document_and_of_answers_alone() -> None:
    found, (packs, _) = sources(), packer()
    packed = packs.batch(200, 1)
    expected = []
    for place, tokens in pieces_of(packed):
        for number in range(len(tokens) - 1):
            source, document, start = owner(tokens[number + 1], found)
            if start >= found[source].num_prompt[document]:
                expected.append((place + number, tokens[number + 1], source))
    assert list(zip(packed.where.tolist(), packed.answers.tolist(), packed.tasks.tolist(), strict=True)) == expected


def test_a_long_text_is_cut_at_the_end_of_a_row_alone_and_goes_on_until_its_end() -> None:
    found, (packs, _) = sources(), packer()
    whole: dict[int, list[int]] = {}
    for place, tokens in pieces_of(packs.batch(150, 1)):
        source, document, start = owner(tokens[0], found)
        if source == 0:
            is_cut = start + len(tokens) < found[0].lengths[document]
            assert not is_cut or (place + len(tokens)) % LENGTH == 0
            assert start == len(whole.get(document, [])) % found[0].lengths[document]
            whole.setdefault(document, []).extend(tokens)
    done = [document for document, tokens in whole.items() if len(tokens) >= found[0].lengths[document]]
    assert len(done) > 20


def test_the_shares_of_tokens_are_as_asked() -> None:
    packs, mixture = packer()
    packs.batch(2500, 1)
    for row in mixture.ledger():
        assert abs(row["seen"] - row["asked"]) < 0.01


def test_short_documents_that_fill_gaps_do_not_run_ahead_of_their_share() -> None:
    """Two long documents never share a row here, so every row has a gap of 40 %, which short ones asked for 10 % would fill."""
    found = [documents(0, np.full(50, 38), is_plain=False), documents(1, np.full(50, 6), is_plain=False)]
    mixture = TokenMixture(NAMES[:2], [50, 50], (90, 10), 0)
    packs = Packer(mixture, found, [0, 1], LENGTH, PAD)
    packs.batch(1000, 1)
    assert mixture.ledger()[1]["seen"] == pytest.approx(0.1, abs=0.01)
    assert packs.padding > 0.3


def test_the_ledger_and_the_padding_are_what_the_rows_hold() -> None:
    found, (packs, mixture) = sources(), packer((10, 45, 45))
    packed = packs.batch(300, 1)
    held = Counter(owner(token, found)[0] for token in packed.tokens.ravel().tolist() if token != PAD)
    assert [row["num_tokens"] for row in mixture.ledger()] == [held[0], held[1], held[2]]
    assert packs.padding == (packed.tokens == PAD).mean()
    assert packed.num_padding.tolist() == (packed.tokens == PAD).sum(1).tolist()
    begun = Counter(source for _, tokens in pieces_of(packed) for source, _, start in [owner(tokens[0], found)] if start == 0)
    assert [row["num_samples"] for row in mixture.ledger()] == [begun[0], begun[1], begun[2]]


def test_texts_leave_no_padding_and_answered_documents_little() -> None:
    packs, _ = packer((1, 0, 0))
    packs.batch(200, 1)
    assert packs.padding == 0
    for shares, largest in (((0, 1, 0), 0.02), ((0, 0, 1), 0.12), ((50, 30, 20), 0.005)):
        packs, _ = packer(shares)
        packs.batch(200, 1)
        assert packs.padding < largest


def test_the_sources_of_a_row_are_named() -> None:
    found, (packs, _) = sources(), packer()
    packed = packs.batch(50, 1)
    for tokens, named in zip(packed.tokens.tolist(), packed.sources, strict=True):
        assert named == {owner(token, found)[0] for token in tokens if token != PAD}


@pytest.mark.parametrize("already", [0, 1, 7, 40])
def test_a_state_goes_on_exactly(already: int) -> None:
    (whole, _), (first, mixture), (second, resumed) = packer(), packer(), packer()
    expected = [whole.batch(3, step) for step in range(60)]
    for step in range(already):
        first.batch(3, step)
    kept = json.loads(json.dumps({"mixture": mixture.state(), "packer": first.state()}))
    resumed.load_state(kept["mixture"])
    second.load_state(kept["packer"])
    for step in range(already, 60):
        found = second.batch(3, step)
        for name in ("tokens", "positions", "where", "answers", "tasks"):
            assert np.array_equal(getattr(found, name), getattr(expected[step], name))
    assert second.padding == whole.padding


def test_rows_of_a_batch_are_what_a_smaller_batch_would_be() -> None:
    (one, _), (other, _) = packer(), packer()
    whole = one.batch(12, 1)
    for start in range(0, 12, 4):
        part, expected = whole.rows(start, start + 4), other.batch(4, 1)
        for name in ("tokens", "positions", "where", "answers", "tasks", "num_padding"):
            assert np.array_equal(getattr(part, name), getattr(expected, name))
        assert part.sources == expected.sources


@pytest.mark.parametrize("source", [0, 1, 2])
def test_an_evaluation_holds_every_document_once(source: int) -> None:
    found = sources()[source]
    packed = list(in_order(found, 5, LENGTH, PAD, 8))
    tokens = sorted(token for each in packed for token in each.tokens.ravel().tolist() if token != PAD)
    assert tokens == sorted(found.tokens.tolist())
    assert all(len(each.tokens) == 8 for each in packed[:-1])
    assert {task for each in packed for task in each.tasks.tolist()} == {5}
    if not found.is_plain:
        answers = sorted(token for each in packed for token in each.answers.tolist())
        assert answers == sorted(found.answers.tolist())


# --- hiding -------------------------------------------------------------------------------------------------------------------------

MASK, SPECIAL, SIZE = 3, frozenset({PAD, 1, 2, 3}), 500


def letters(num_rows: int = 64) -> Packed:
    """Rows of documents whose last token is 2, the end of text; pads at the end of the last row."""
    rng = np.random.default_rng(7)
    lengths = rng.integers(2, 40, num_rows * 3)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = rng.integers(4, SIZE, offsets[-1]).astype(np.int32)
    tokens[offsets[1:] - 1] = 2
    found = Documents("texts", tokens, offsets, np.zeros(len(lengths), np.int64), np.arange(len(lengths)), is_plain=True)
    (packed,) = in_order(found, 0, LENGTH, PAD, 10_000)
    return packed


def hidden(packed: Packed, rate: float = 0.15, seed: int = 0, step: int = 1) -> Packed:
    return hide(packed, rate, Alphabet(MASK, SPECIAL, SIZE), seed, step)


@pytest.mark.parametrize("rate", [0.15, 0.5])
def test_each_document_hides_its_share_of_tokens_and_at_least_one(rate: float) -> None:
    packed = letters()
    where = set(hidden(packed, rate).where.tolist())
    for place, tokens in pieces_of(packed):
        usable = [place + number for number, token in enumerate(tokens) if token not in SPECIAL]
        asked = len(where.intersection(usable))
        assert asked == (max(1, round(rate * len(usable))) if usable else 0)
        where -= set(usable)
    assert not where


def test_answers_are_what_stood_there_and_nothing_else_changes() -> None:
    packed = letters()
    found = hidden(packed)
    assert found.answers.tolist() == packed.tokens.ravel()[found.where].tolist()
    untouched = np.setdiff1d(np.arange(packed.tokens.size), found.where)
    assert np.array_equal(found.tokens.ravel()[untouched], packed.tokens.ravel()[untouched])
    assert np.array_equal(found.positions, packed.positions)


def test_eight_in_ten_become_the_mask_one_another_token_and_one_stays() -> None:
    found = hidden(letters(1000))
    shown, count = found.tokens.ravel()[found.where], len(found.where)
    masked, same = (shown == MASK).sum(), (shown == found.answers).sum()
    others = count - masked - same
    # A random token is the mask, or the right one, once in SIZE.
    expected = np.array([0.8 + 0.1 / SIZE, 0.1 + 0.1 / SIZE, 0.1 - 0.2 / SIZE]) * count
    chi_square = (((np.array([masked, same, others]) - expected) ** 2) / expected).sum()
    assert count > 5000
    assert chi_square < 13.8  # two degrees of freedom, one in a thousand


def test_masks_follow_the_seed_and_the_step() -> None:
    packed = letters()
    assert np.array_equal(hidden(packed).tokens, hidden(packed).tokens)
    assert not np.array_equal(hidden(packed).where, hidden(packed, step=2).where)
    assert not np.array_equal(hidden(packed).where, hidden(packed, seed=1).where)


def test_every_token_is_as_likely_to_be_hidden_as_any_other() -> None:
    packed = letters(20)
    times = np.zeros(packed.tokens.size)
    for step in range(400):
        times[hidden(packed, step=step).where] += 1
    place, tokens = max(pieces_of(packed), key=lambda piece: len(piece[1]))
    usable = [place + number for number, token in enumerate(tokens) if token not in SPECIAL]
    expected = max(1, round(0.15 * len(usable))) / len(usable) * 400
    assert ((times[usable] - expected) ** 2 / expected).sum() < 2 * len(usable)
