"""The objectives a stage may train: what each needs from a sample, its loss and its validation figures."""

from trainer.tasks import image_classification, image_text_contrast, image_text_matching, masked_lm, sentiment
from trainer.tasks.objective import Objective

OBJECTIVES: dict[str, Objective] = {
    "image_classification": Objective(("image", "label"), image_classification.loss, image_classification.logits),
    "masked_lm": Objective(("text",), masked_lm.loss),
    "image_text_matching": Objective(("image", "text"), image_text_matching.loss),
    "image_text_contrast": Objective(("image", "text"), image_text_contrast.loss),
    "sentiment": Objective(("image", "text", "label"), sentiment.loss, sentiment.logits),
}
