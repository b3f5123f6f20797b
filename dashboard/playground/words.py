"""The sentences that the page's script needs."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    """`%s` is filled in by the script."""
    return {
        "differs": _("differs from %s"),
        "same": _("same answer as %s"),
        "stage": _("stage %s"),
        "title": _("Stage %s"),
        "checkpoint": _("checkpoint %s"),
        "quantized": _("quantized, ONNX Runtime"),
        "triton": _("Triton, %s"),
        "elsewhere": _("a server that runs elsewhere"),
        "no_served": _("The Triton server has no model that can be asked."),
        "answers_alone": _("a Triton server gives answers alone."),
        "latency": _("Latency"),
        "median": _("Latency p50"),
        "image_alone": _("Image alone"),
        "text_alone": _("Text alone"),
        "no_reason": _("No explanation: %s"),
        "cut": _("The sentence is cut: this model reads %s tokens."),
        "tokens": _("%s tokens"),
        "heat": _("Where the model looked for its answer %s"),
        "queued": _("Place %s in the queue"),
        "loading": _("Loading the model"),
        "working": _("Working"),
        "cancelled": _("Stopped."),
        "offline": _("The server does not answer. Try again in a moment."),
        "picture": _("Choose a picture first."),
        "sentence": _("Write a sentence first."),
        "large": _("The picture is too large: at most 10 MB are taken."),
        "copied": _("Copied"),
        "most": _("Four models at most. Remove one first."),
        "twice": _("This model is here already."),
        "replace": _("Replace"),
        "speaks": _("%s: %s"),
        "thanks_right": _("Noted: the answer is right. %s judged."),
        "thanks_wrong": _("Noted: it is %s. %s judged."),
        "kept": _("Kept. Only you see it."),
        "nothing_kept": _("Nothing kept yet. Ask, then press Keep."),
        "no_probes": _("No examples yet. Ask, then press Add to probe set."),
        "probe_added": _("In the probe set now, %s of 24."),
        "delete": _("Delete"),
        "no_sentence": _("no sentence"),
        "scoring": _("Scoring checkpoint %s of %s"),
        "turned": _("turned to %s at step %s"),
        "stayed": _("%s at every checkpoint"),
        "scored_at": _("%s, scored at %s checkpoints"),
        "at_step": _("step %s"),
        "not_asked": _("does not learn sentiment"),
        "batch_progress": _("%s of %s answered"),
        "batch_done": _("%s answered, %s refused"),
        "batch_empty": _("Choose pictures with a CSV, or a ZIP archive."),
        "made": _("%s holds %s samples. It stands under Datasets now."),
        "choose_class": _("Which is right?"),
    }


def language_words() -> dict[str, str]:
    return {
        "sentence": _("Write a prompt first."),
        "loading": _("Loading the model"),
        "writing": _("Writing"),
        "cancelled": _("Stopped."),
        "offline": _("The server does not answer. Try again in a moment."),
        "spoke": _("%s tokens, %s a second; %s"),
        "end": _("the model ended by itself"),
        "length": _("cut at the most tokens"),
        "stopped": _("stopped"),
    }
