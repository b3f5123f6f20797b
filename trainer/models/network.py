"""The image + text network of a stage. B batch, C channels, P positions, T tokens, H hidden width, W fusion width, K classes."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertModel
from transformers.models.resnet.modeling_resnet import ResNetModel

from trainer import checkpoint
from trainer.config import ImageTextModel, family_of
from trainer.manifest import verify
from trainer.models import encoders
from trainer.models.fusion import FUSIONS, CrossAttention, Fusion, mean_of_tokens
from trainer.models.heads import ContrastHead, MaskedTokenHead


class Network(nn.Module):
    """Encoders, projections to one width, fusion, and a head for each task of the stage that needs one."""

    def __init__(self, config: ImageTextModel, image: ResNetModel, text: BertModel, mask_token: int) -> None:
        super().__init__()
        self.config, self.image, self.text, self.mask_token = config, image, text, mask_token
        self.widths = encoders.widths(image)
        channels, hidden, width = self.widths[-1], text.config.hidden_size, config.fusion_width
        self.image_projection = nn.Linear(channels, width)
        self.text_projection = nn.Linear(hidden, width)
        # A modality alone is fused with nothing: weights for it would never be trained.
        self.fusion: Fusion | None = FUSIONS[config.fusion](width) if config.inputs == "image_and_text" else None
        self.fused_width = self.fusion.width if self.fusion else width
        self.dropout = nn.Dropout(0.0)
        self.heads = nn.ModuleDict()

    def add_head(self, task: str, num_classes: int, temperature: float = 0.07) -> None:
        """Adds the head of a task; masked language modelling takes its size from the vocabulary, a contrast only its temperature."""
        if task == "masked_lm":
            self.heads[task] = MaskedTokenHead(self.text.config.hidden_size, self.text.config.vocab_size)
        elif task == "image_text_contrast":
            self.heads[task] = ContrastHead(temperature)
        else:
            width = self.image_projection.in_features if task == "image_classification" else self.fused_width
            self.heads[task] = nn.Linear(width, num_classes)

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
        return mean_of_tokens(self.hidden_states(tokens_BT, mask_BT), mask_BT)

    def projected(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Returns both modalities at the common width, (B, W) each."""
        image = self.image_projection(self.image_features(pictures_B3SS))
        return image, self.text_projection(self.text_features(tokens_BT, mask_BT))

    def positions(self, pictures_B3SS: Tensor) -> Tensor:
        """Returns the projected feature map, a row for each position (B, P, W)."""
        maps_BCP: Tensor = self.image(pictures_B3SS).last_hidden_state.flatten(2)
        projected: Tensor = self.image_projection(maps_BCP.transpose(1, 2))
        return projected

    def joined(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns both modalities as one, or the one alone that the classifier sees."""
        joined: Tensor
        if self.config.inputs == "image":
            joined = self.image_projection(self.image_features(pictures_B3SS))
        elif self.config.inputs == "text":
            joined = self.text_projection(self.text_features(tokens_BT, mask_BT))
        elif isinstance(self.fusion, CrossAttention):
            text_BTW = self.text_projection(self.hidden_states(tokens_BT, mask_BT))
            joined = self.fusion(self.positions(pictures_B3SS), text_BTW, mask_BT)
        else:
            assert self.fusion is not None
            joined = self.fusion(*self.projected(pictures_B3SS, tokens_BT, mask_BT))
        return joined

    def fused(self, pictures_B3SS: Tensor, tokens_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Returns what the classifier sees: the fused features, or one modality alone."""
        dropped: Tensor = self.dropout(functional.relu(self.joined(pictures_B3SS, tokens_BT, mask_BT)))
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
    """Rebuilds a checkpoint's network in evaluation mode, its tokenizer and the classes of its heads.

    Raises Damaged, or ValueError for a checkpoint of another family.
    """
    verify(folder)
    card = checkpoint.document(folder, "config")
    if (family := family_of(card["model"])) != "image_text":
        raise ValueError(f"{folder.name} is of the family {family}, not of image_text")
    network, tokenizer = rebuild(ImageTextModel.model_validate(card["model"]), folder)
    weights = checkpoint.tensors(folder, "model")
    for task in sorted({name.split(".")[1] for name in weights if name.startswith("heads.")}):
        network.add_head(task, len(card["classes"].get(task, ())))
    network.load_state_dict(weights)
    return network.eval(), tokenizer, card["classes"]


def set_dropout(network: Network, rate: float) -> None:
    """Every dropout of the loaded modules takes the stage's rate, the attention's included."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = rate


def set_training(network: Network) -> None:
    """Training mode, except that a frozen batch norm keeps its statistics."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()
