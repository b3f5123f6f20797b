// Adds and removes stages, tasks and data sets, and keeps the numbers in their names without gaps.

const ATTRIBUTES = ["id", "name", "for", "href", "data-path", "data-note", "data-slider", "data-weight", "aria-describedby"];
const BLANKS = { stages: "__stage__", tasks: "__task__", sources: "__source__" };
const COLOURS = 5;

/** Replaces the beginning of every path in a tree of elements. */
export function rename(root, from, to) {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    for (const attribute of ATTRIBUTES) {
      const value = element.getAttribute(attribute);
      if (value?.includes(from)) element.setAttribute(attribute, value.replace(from, to));
    }
  }
}

export function partsOf(root, kind) {
  return [...root.querySelectorAll(`[data-part="${kind}"]`)];
}

export function addPart(kind, list, owner) {
  const part = blank(kind);
  list.append(part);
  rename(part, `stages.${BLANKS.stages}`, stagePath(owner) ?? `stages.${BLANKS.stages}`);
  if (kind === "sources") rename(part, `tasks.${BLANKS.tasks}`, owner.dataset.path.split(".").slice(2).join("."));
  return part;
}

function blank(name) {
  return document.getElementById(`blank-${name}`).content.firstElementChild.cloneNode(true);
}

function stagePath(owner) {
  return owner ? owner.dataset.path.split(".").slice(0, 2).join(".") : null;
}

/** Numbers all parts as they stand in the page; weights follow their tasks. */
export function renumber(root) {
  stepAside(partsOf(root, "stages"));
  partsOf(root, "stages").forEach((stage, index) => {
    renumberPart(stage, `stages.${index}`);
    colour(stage, index);
    const weights = [...stage.querySelectorAll("[data-weight]")];
    partsOf(stage, "tasks").forEach((task, number) => {
      const path = `stages.${index}.tasks.${number}`;
      if (weights[number]) renumberWeight(weights[number], path);
      renumberPart(task, path);
      partsOf(task, "sources").forEach((source, place) => renumberPart(source, `${path}.sources.${place}`));
    });
  });
}

/** Two stages that change places must not share a name on the way: of radio buttons with one name, only one stays chosen. */
function stepAside(stages) {
  stages.forEach((stage, index) => {
    if (stage.dataset.path !== `stages.${index}`) renumberPart(stage, `stages.moving${index}`);
  });
}

function renumberPart(part, path) {
  if (part.dataset.path !== path) rename(part, part.dataset.path, path);
}

function renumberWeight(weight, path) {
  if (weight.dataset.weight !== path) rename(weight, weight.dataset.weight, path);
}

function colour(stage, index) {
  for (let each = 1; each <= COLOURS; each++) stage.classList.toggle(`s${each}`, each === (index % COLOURS) + 1);
}

export function addWeight(stage) {
  const weight = blank("weights");
  stage.querySelector("[data-weights]").append(weight);
  rename(weight, `stages.${BLANKS.stages}`, stage.dataset.path);
}

/** Returns whether there was a place to move to. The weight of a task stands elsewhere and moves with it. */
export function movePart(part, by) {
  const other = by < 0 ? part.previousElementSibling : part.nextElementSibling;
  if (!other || other.querySelector(":scope > fieldset:disabled")) return false;
  swap(part, other, by);
  const [weight, otherWeight] = [part, other].map((each) => document.querySelector(`[data-weight="${each.dataset.path}"]`));
  if (weight) swap(weight, otherWeight, by);
  return true;
}

function swap(element, other, by) {
  if (by < 0) other.before(element);
  else other.after(element);
}

export function removePart(part, kind) {
  if (kind === "tasks") document.querySelector(`[data-weight="${part.dataset.path}"]`).remove();
  part.remove();
}
