"""The run form: every field of the config is on it, a wrong one is named where it stands, a right form starts a run."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Literal, get_args, get_origin

import pytest
from django.test import Client
from pydantic import BaseModel

from dashboard.accounts.models import Membership, Project, Role
from dashboard.runs.form.fields import lookup
from dashboard.runs.form.words import CHOICES, FAMILIES, LABELS
from dashboard.runs.models import Run, Stage
from tests.cast import Cast
from trainer import config, recipes

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
EXAMPLE = "sentiment-example"


class Inputs(HTMLParser):
    """What a browser would send, and the name of every input, also of those in templates and of disabled ones."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.names: set[str] = set()
        self.wrong: set[str] = set()
        self.in_template, self.select, self.form = 0, "", ""
        self.fieldsets: list[bool] = []
        self.options: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.in_template += tag == "template"
        if tag == "form":
            self.form = given.get("id", "")
        if tag == "fieldset":
            self.fieldsets.append("disabled" in given)
        if tag == "option" and self.select and "disabled" not in given:
            self.options.setdefault(self.select, []).append(given["value"])
            if "selected" in given or self.select not in self.sent:
                self.sent[self.select] = given["value"]
        if tag in ("input", "select"):
            self.take(tag, given)

    def handle_endtag(self, tag: str) -> None:
        self.in_template -= tag == "template"
        if tag == "fieldset":
            self.fieldsets.pop()
        if tag == "select":
            self.select = ""

    def take(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        self.names.add(name)
        if "aria-invalid" in given:
            self.wrong.add(name)
        if not name or self.in_template or any(self.fieldsets) or "disabled" in given or given.get("form") or self.form != "run-form":
            return
        if tag == "select":
            self.select = name
        elif given.get("type") not in ("checkbox", "radio") or "checked" in given:
            self.sent[name] = given.get("value", "")


def leaf_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every field of the config that holds a value, lists of parts with `*`; independent of how the form walks it."""
    for name, info in model.model_fields.items():
        parts = [each for each in parts_in(info.annotation) if issubclass(each, BaseModel)]
        many = "tuple" in str(info.annotation)
        for part in parts:
            yield from leaf_paths(part, f"{prefix}{name}.*." if many else f"{prefix}{name}.")
        if not parts:
            yield prefix + name


def parts_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for each in get_args(annotation):
        yield from parts_in(each)


def typed(client: Client, **changes: str) -> dict[str, str]:
    """The example's form as the page fills it, with some fields changed; `__` stands for a dot."""
    sent = dict(Inputs(client.get("/runs/new/", {"recipe": EXAMPLE}).content.decode()).sent)
    return sent | {name.replace("__", "."): value for name, value in changes.items()}


def refused(client: Client, form: dict[str, str]) -> tuple[Inputs, str]:
    return refused_of(client, form, 0)


def refused_of(client: Client, form: dict[str, str], num_runs: int) -> tuple[Inputs, str]:
    """A form that is answered with its faults, while there are as many runs as before."""
    response = client.post("/runs/new/", form)
    assert response.status_code == 422
    assert Run.objects.count() == num_runs
    page = response.content.decode()
    return Inputs(page), page


def test_every_field_of_the_config_is_on_the_form(alice: Client) -> None:
    names = {re.sub(r"\.(\d+|__\w+?__)(?=\.)", ".*", name) for name in Inputs(alice.get("/runs/new/").content.decode()).names}
    expected = set(leaf_paths(config.Run)) - {"stages.*.trainable"}
    groups = {f"stages.*.trainable.{part}" for part in (*config.GROUPS, "patterns")}
    assert len(expected) > 40
    assert (expected | groups) - names == set()


def test_every_choice_and_field_has_words(alice: Client) -> None:
    page = alice.get("/runs/new/").content.decode()
    assert {path.rsplit(".", 1)[-1] for path in leaf_paths(config.Run)} <= set(LABELS)
    assert all(str(CHOICES[name]) in page for name in choices_in(config.Run))
    assert all(str(FAMILIES[name]) in page for name in config.FAMILIES)


def choices_in(model: type[BaseModel]) -> set[str]:
    """Every choice of a field of the config, those of its parts included; a family's own name is none."""
    found = {str(each) for name, info in model.model_fields.items() if name != "family" for each in literals(info.annotation)}
    parts = {each for info in model.model_fields.values() for each in parts_in(info.annotation) if issubclass(each, BaseModel)}
    return found.union(*map(choices_in, parts))


def literals(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


@pytest.mark.parametrize("recipe", list(recipes.load()))
def test_a_recipe_sent_back_unchanged_is_the_same_config(alice: Client, recipe: str) -> None:
    sent = Inputs(alice.get("/runs/new/", {"recipe": recipe}).content.decode()).sent
    response = alice.post("/runs/new/", sent)
    assert response.status_code == 303
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    assert sorted_layers(run.config) == sorted_layers(recipes.load()[recipe].config.model_dump(mode="json"))
    assert (run.recipe, run.name) == (recipe, sent["name"])


def sorted_layers(document: dict[str, Any]) -> dict[str, Any]:
    """The order of what trains means nothing."""
    return document | {"stages": [stage | {"trainable": sorted(stage["trainable"])} for stage in document["stages"]]}


def test_what_is_typed_is_what_runs(alice: Client) -> None:
    form = typed(alice, stages__2__schedule__peak_rate="3e-4", stages__2__steps="40", name="calm-juniper")
    assert alice.post("/runs/new/", form).status_code == 303
    run = Run.objects.get()
    assert run.name == "calm-juniper"
    assert lookup(run.config, "stages.2.schedule.peak_rate") == 3e-4
    assert Stage.objects.get(run=run, index=3).num_steps == 40


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"stages__0__schedule__peak_rate": "-1"}, "stages.0.schedule.peak_rate", "Must be greater than 0. "),
        ({"stages__0__schedule__peak_rate": "fast"}, "stages.0.schedule.peak_rate", "Write a number"),
        ({"stages__1__tasks__0__sources__0__share": "0"}, "stages.1.tasks.0.sources.0.share", "sum to 0"),
        ({"stages__1__tasks__0__sources__0__dataset": "imagenet"}, "stages.1.tasks.0.sources.0.dataset", "imagenet"),
        ({"stages__0__steps": "", "stages__0__epochs": ""}, "stages.0.steps", "steps or epochs"),
        ({"stages__0__schedule__warmup_steps": "250"}, "stages.0.schedule.warmup_steps", "less than"),
        ({"stages__1__schedule__final_rate": ""}, "stages.1.schedule.final_rate", "needs final_rate"),
        ({"model__image__widths": "32, 64"}, "model.image.widths", "same number"),
        ({"stages__0__trainable__patterns": "", "stages__0__name": ""}, "stages.0.name", "Fill in"),
        ({"stages__2__regularisation__dropout": "nan"}, "stages.2.regularisation.dropout", "finite"),
        ({"name": "x" * 81}, "name", "at most 80"),
        ({"name": "a\0b"}, "name", "null characters"),
        ({"stages__0__name": "a\0b"}, "stages.0.name", "cannot be stored"),
    ],
)
def test_a_wrong_field_is_named_where_it_stands(alice: Client, changes: dict[str, str], field: str, sentence: str) -> None:
    inputs, page = refused(alice, typed(alice, **changes))
    assert field in inputs.wrong
    assert f'href="#{field}"' in page or field == "name"
    place = page.index(f'id="{field}.wrong"')
    assert sentence in page[place : place + 600]


def test_a_refused_form_keeps_everything_that_was_typed(alice: Client) -> None:
    form = typed(
        alice, stages__0__schedule__peak_rate="-1", stages__1__description="Mine <b>", stages__2__tasks__0__sources__0__dataset="gone"
    )
    del form["csrfmiddlewaretoken"]
    inputs, _ = refused(alice, form)
    different = {name: (value, inputs.sent.get(name)) for name, value in form.items() if inputs.sent.get(name) != value}
    assert different == {}


def test_a_task_without_data_is_refused_at_the_task(alice: Client) -> None:
    form = {name: value for name, value in typed(alice).items() if not name.startswith("stages.2.tasks.0.sources")}
    _, page = refused(alice, form)
    assert 'href="#stages.2.tasks.0.sources"' in page
    assert page.count("Add a data set") >= 2


def test_a_stage_without_tasks_is_refused_at_the_stage(alice: Client) -> None:
    form = {name: value for name, value in typed(alice).items() if not name.startswith("stages.2.tasks")}
    _, page = refused(alice, form)
    assert 'href="#stages.2.tasks"' in page
    assert "Add a task: this stage has no data." in page


def test_a_data_set_that_was_not_chosen_is_one_complaint(alice: Client) -> None:
    _, page = refused(alice, typed(alice, stages__2__tasks__0__sources__0__dataset=""))
    assert "One field keeps the run from starting." in page
    assert "Choose a data set." in page


def test_a_form_without_stages_is_refused(alice: Client) -> None:
    refused(alice, {name: value for name, value in typed(alice).items() if not name.startswith("stages")})


def test_gaps_in_the_numbering_close(alice: Client) -> None:
    form = {re.sub(r"^stages\.2\.", "stages.7.", name): value for name, value in typed(alice).items() if not name.startswith("stages.1.")}
    assert alice.post("/runs/new/", form).status_code == 303
    assert [stage["name"] for stage in Run.objects.get().config["stages"]] == ["Foundation", "Refinement"]


@pytest.mark.parametrize("name", ["stages", "stages.0", "stages.0.tasks.0.sources", "model", "model.image", "quantization", "stages.x.y.z"])
def test_names_that_no_form_sends_are_no_accident(alice: Client, name: str) -> None:
    form = {name: "1", **typed(alice)}
    assert alice.post("/runs/new/", form).status_code in (303, 422)
    assert alice.post("/runs/new/plan/", form).status_code == 200


def test_without_its_switch_nothing_is_quantized(alice: Client) -> None:
    form = typed(alice)
    del form["quantization.enabled"]
    assert alice.post("/runs/new/", form).status_code == 303
    assert Run.objects.get().config["quantization"] is None


def test_a_run_fills_the_form_of_the_next_one(alice: Client, cast: Cast) -> None:
    run = cast.submit()
    sent = Inputs(alice.get("/runs/new/", {"from": run.pk}).content.decode()).sent
    assert sent["recipe"] == "sentiment-tiny"
    assert sent["stages.0.steps"] == str(run.config["stages"][0]["steps"])


@pytest.mark.parametrize("query", [{"from": "999"}, {"from": "x"}, {"recipe": "nothing"}])
def test_what_does_not_exist_cannot_fill_the_form(alice: Client, query: dict[str, str]) -> None:
    assert alice.get("/runs/new/", query).status_code == 404


def test_a_viewer_may_neither_see_nor_send_the_form(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob, backend=BACKEND)
    assert client.get("/runs/new/").status_code == 403
    assert client.post("/runs/new/", {}).status_code == 403


def test_a_run_starts_only_where_the_person_may_edit(alice: Client, cast: Cast) -> None:
    hidden, shown = (Project.objects.create(name=name, slug=name) for name in ("hidden", "shown"))
    Membership.objects.create(project=shown, user=cast.alice, role=Role.VIEWER)
    assert alice.post("/runs/new/", typed(alice, project="hidden")).status_code == 404
    assert alice.post("/runs/new/", typed(alice, project="shown")).status_code == 403
    assert not hidden.runs.exists() and not shown.runs.exists()


def test_who_edits_two_projects_chooses(alice: Client, cast: Cast) -> None:
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=cast.alice, role=Role.EDITOR)
    assert alice.post("/runs/new/", typed(alice, project="other")).status_code == 303
    assert other.runs.count() == 1


def test_the_plan_shows_steps_curves_and_mixtures(alice: Client) -> None:
    page = alice.post("/runs/new/plan/", typed(alice, stages__0__steps="1234")).content.decode()
    assert "1,234 steps" in page
    assert page.count("<polyline points") == 3
    assert page.count('<polyline class="before"') == 1  # the recipe's curve lies beneath the one stage that differs
    assert "The run can start." in page


def test_the_plan_of_a_wrong_form_says_what_is_wrong(alice: Client) -> None:
    page = alice.post("/runs/new/plan/", typed(alice, stages__1__batch_size="0")).content.decode()
    assert 'data-complaint="stages.1.batch_size"' in page
    assert "Stage 2 (Enhancement), Batch" in page
    assert "<polyline" not in page


def test_fields_that_the_shape_does_not_read_are_not_sent(alice: Client) -> None:
    sent = typed(alice)
    assert "stages.0.schedule.final_rate" not in sent
    assert "stages.2.schedule.decay_factor" in sent


def as_json(client: Client, **changes: str) -> dict[str, Any]:
    """The example's form as the JSON view shows it."""
    page = client.post("/runs/new/plan/", typed(client, **changes)).content.decode()
    text = re.search(r'<pre data-region="json" hidden>(.*?)</pre>', page, re.DOTALL)
    assert text
    document: dict[str, Any] = json.loads(html.unescape(text[1]))
    return document


def sent_as_json(client: Client, text: str, **more: str) -> dict[str, str]:
    return {**{name: value for name, value in typed(client).items() if name in ("name", "recipe", "project")}, "document": text, **more}


def test_the_json_view_shows_what_is_typed(alice: Client) -> None:
    expected = json.loads(recipes.load()[EXAMPLE].config.model_dump_json(exclude_none=True))
    assert sorted_layers(as_json(alice)) == sorted_layers(expected)
    assert as_json(alice, stages__2__batch_size="0")["stages"][2]["batch_size"] == 0


def test_json_starts_the_run_that_it_describes(alice: Client) -> None:
    document = as_json(alice)
    document["stages"] = document["stages"][2:]
    assert alice.post("/runs/new/", sent_as_json(alice, json.dumps(document))).status_code == 303
    assert Run.objects.get().config == config.parse(document).model_dump(mode="json")


def test_json_applied_to_the_form_starts_nothing(alice: Client) -> None:
    document = as_json(alice, stages__0__batch_size="17")
    response = alice.post("/runs/new/", sent_as_json(alice, json.dumps(document), act="apply"))
    assert response.status_code == 200
    assert Inputs(response.content.decode()).sent["stages.0.batch_size"] == "17"
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON. Line 1, column 2"),
        ("[]", "Write one JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"model": {}, "stages": [], "speed": 1}', "speed"),
    ],
)
def test_wrong_json_is_kept_and_named(alice: Client, text: str, sentence: str) -> None:
    _inputs, page = refused(alice, sent_as_json(alice, text))
    assert sentence in page
    assert text[:2000] in html.unescape(page)


def test_a_wrong_field_in_json_is_named_at_the_field(alice: Client) -> None:
    document = as_json(alice)
    document["stages"][1]["schedule"]["peak_rate"] = -1
    inputs, _page = refused(alice, sent_as_json(alice, json.dumps(document)))
    assert inputs.wrong == {"stages.1.schedule.peak_rate"}
