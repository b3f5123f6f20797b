"""The image + text network of a stage. B batch, C channels, T tokens, H hidden width, W fusion width, K classes."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertModel
from transformers.models.resnet.modeling_resnet import ResNetModel

from trainer import checkpoint
from trainer.config import ImageTextModel
from trainer.manifest import verify
from trainer.models import encoders
from trainer.models.groups import trainable_names


class MaskedTokenHead(nn.Module):
    """Guesses hidden tokens; the decoder is the word embedding itself (BERT, arXiv 1810.04805)."""

    def __init__(self, width: int, vocabulary_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, hidden_NH: Tensor, embeddings_VH: Tensor) -> Tensor:
        """Returns logits (N, vocabulary) for N hidden positions."""
        return functional.linear(self.norm(functional.gelu(self.dense(hidden_NH))), embeddings_VH, self.bias)


class Network(nn.Module):
    """Encoders, projections to one width, fusion, and a head for each task of the stage that needs one."""

    def __init__(self, config: ImageTextModel, image: ResNetModel, text: BertModel, mask_token: int) -> None:
        super().__init__()
        self.config, self.image, self.text, self.mask_token = config, image, text, mask_token
        self.widths = encoders.widths(image)
        channels, hidden, width = self.widths[-1], text.config.hidden_size, config.fusion_width
        self.image_projection = nn.Linear(channels, width)
        self.text_projection = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(0.0)
        self.heads = nn.ModuleDict()

    def add_head(self, task: str, num_classes: int) -> None:
        """Adds the head of a task; masked language modelling takes its size from the vocabulary."""
        if task == "masked_lm":
            self.heads[task] = MaskedTokenHead(self.text.config.hidden_size, self.text.config.vocab_size)
        else:
            width = self.image_projection.in_features if task == "image_classification" else self.fused_width
            self.heads[task] = nn.Linear(width, num_classes)

    @property
    def fused_width(self) -> int:
        both = self.config.fusion == "concatenation" and self.config.inputs == "image_and_text"
        return self.config.fusion_width * (2 if both else 1)

    def image_features(self, pictures_B3SS: Tensor) -> Tensor:
        """Returns pooled features (B, C)."""
        pooled: Tensor = self.image(pictures_B3SS).pooler_output
        return pooled.flatten(1)

    def hidden_states(self, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns the text encoder's last hidden states (B, T, H)."""
        hidden: Tensor = self.text(input_ids=tokens_BT, attention_mask=mask_BT).last_hidden_state
        return hidden

    def text_features(self, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns the mean of the hidden states over the real tokens (B, H), as MiniLM's sentence vectors are made."""
        weights = mask_BT.unsqueeze(-1).to(self.text_projection.weight.dtype)
        return (self.hidden_states(tokens_BT, mask_BT) * weights).sum(1) / weights.sum(1)

    def projected(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Returns both modalities at the common width, (B, W) each."""
        image = self.image_projection(self.image_features(pictures_B3SS))
        return image, self.text_projection(self.text_features(tokens_BT, mask_BT))

    def fused(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns what the classifier sees: the fused features, or one modality alone."""
        if self.config.inputs == "image":
            joined = self.image_projection(self.image_features(pictures_B3SS))
        elif self.config.inputs == "text":
            joined = self.text_projection(self.text_features(tokens_BT, mask_BT))
        else:
            image, text = self.projected(pictures_B3SS, tokens_BT, mask_BT)
            joined = image + text if self.config.fusion == "sum" else torch.cat([image, text], dim=1)
        dropped: Tensor = self.dropout(functional.relu(joined))
        return dropped

    def forward(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns sentiment logits (B, K)."""
        logits: Tensor = self.heads["sentiment"](self.fused(pictures_B3SS, tokens_BT, mask_BT))
        return logits


def build(config: ImageTextModel) -> tuple[Network, Tokenizer]:
    """Builds a network with fresh or pre-trained encoders. Raises ValueError naming the field of weights that cannot be loaded."""
    tokenizer = encoders.tokenizer(config.text)
    text = encoders.text_encoder(config.text, tokenizer.get_vocab_size())
    return Network(config, encoders.image_encoder(config.image), text, encoders.mask_token(tokenizer)), tokenizer


def rebuild(config: ImageTextModel, folder: Path) -> tuple[Network, Tokenizer]:
    """Builds a checkpoint's network, without heads, by the sizes that were recorded; its weights are not loaded."""
    image, text, tokenizer = encoders.rebuild(folder)
    return Network(config, image, text, encoders.mask_token(tokenizer)), tokenizer


def from_checkpoint(folder: Path) -> tuple[Network, Tokenizer, dict[str, list[str]]]:
    """Rebuilds a checkpoint's network in evaluation mode, its tokenizer and the classes of its heads. Raises Damaged."""
    verify(folder)
    card = checkpoint.document(folder, "config")
    network, tokenizer = rebuild(ImageTextModel.model_validate(card["model"]), folder)
    weights = checkpoint.tensors(folder, "model")
    for task in sorted({name.split(".")[1] for name in weights if name.startswith("heads.")}):
        network.add_head(task, len(card["classes"].get(task, ())))
    network.load_state_dict(weights)
    return network.eval(), tokenizer, card["classes"]


def set_trainable(network: Network, chosen: tuple[str, ...]) -> list[nn.Parameter]:
    """Freezes all but the chosen groups and patterns; returns the parameters that train. Raises ValueError when none do."""
    blocks = network.text.config.num_hidden_layers, len(network.widths)
    selected = trainable_names([name for name, _ in network.named_parameters()], chosen, *blocks)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in selected)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def set_dropout(network: Network, rate: float) -> None:
    """Every dropout of the loaded modules takes the stage's rate, the attention's included."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate


def set_training(network: Network) -> None:
    """Training mode, except that a frozen batch norm keeps its statistics."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()
