"""The objectives a stage may train: what each needs from a sample, its loss and its validation figures."""

from trainer.tasks import image_classification, image_text_contrast, image_text_matching, masked_lm, sentiment
from trainer.tasks.objective import Objective

OBJECTIVES: dict[str, Objective] = {
    "image_classification": Objective(("image", "label"), True, image_classification.loss),
    "masked_lm": Objective(("text",), False, masked_lm.loss),
    "image_text_matching": Objective(("image", "text"), False, image_text_matching.loss),
    "image_text_contrast": Objective(("image", "text"), False, image_text_contrast.loss),
    "sentiment": Objective(("image", "text", "label"), True, sentiment.loss),
}
