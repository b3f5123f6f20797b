// One stage at a time: tabs that follow the stages on the page, and links that open the tab of their field.

export class Tabs {
  constructor(form) {
    this.form = form;
    this.root = form.querySelector("[data-tabs]");
    this.root.setAttribute("role", "tablist");
    this.root.addEventListener("click", (event) => {
      const tab = event.target.closest(".stage-tab");
      if (tab) this.open(event, this.tabs().indexOf(tab));
    });
    this.root.addEventListener("keydown", (event) => this.step(event));
    document.addEventListener("click", (event) => this.follow(event));
  }

  tabs() {
    return [...this.root.querySelectorAll(".stage-tab")];
  }

  stages() {
    return [...this.form.querySelectorAll('[data-part="stages"]')];
  }

  /** Makes as many tabs as there are stages, with their names and numbers. */
  sync() {
    const stages = this.stages();
    const tabs = this.tabs();
    while (tabs.length > stages.length) tabs.pop().remove();
    while (tabs.length < stages.length) tabs.push(this.make());
    stages.forEach((stage, index) => {
      const [number, name] = [tabs[index].querySelector(".numeral"), tabs[index].querySelector("[data-tab-name]")];
      number.textContent = index + 1;
      number.className = `numeral s${(index % 5) + 1}`;
      name.textContent = stage.querySelector('[data-field="name"] input').value || "…";
      tabs[index].href = `#${stage.id}`;
    });
    for (const button of this.form.querySelectorAll('[data-remove="stages"]')) button.hidden = stages.length < 2;
  }

  /** Beside its name, how many fields of a stage differ from the recipe. */
  count(changed) {
    this.tabs().forEach((tab, index) => {
      const count = changed.filter((input) => input.name.startsWith(`stages.${index}.`)).length;
      tab.querySelector("[data-tab-changes]")?.remove();
      if (!count) return;
      const chip = document.createElement("span");
      chip.className = "chip accent";
      chip.dataset.tabChanges = "";
      chip.textContent = count;
      tab.append(chip);
    });
  }

  make() {
    const tab = document.createElement("a");
    tab.className = "stage-tab";
    const [number, name] = [document.createElement("span"), document.createElement("span")];
    number.className = "numeral";
    name.className = "tab-name";
    name.dataset.tabName = "";
    tab.append(number, name);
    this.root.insertBefore(tab, this.root.querySelector(".add-stage"));
    return tab;
  }

  open(event, index) {
    event?.preventDefault();
    this.show(index);
  }

  show(index) {
    this.current = Math.max(0, Math.min(index, this.stages().length - 1));
    this.stages().forEach((stage, place) => (stage.hidden = place !== this.current));
    this.tabs().forEach((tab, place) => {
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", place === this.current);
      tab.setAttribute("aria-controls", this.stages()[place].id);
      tab.tabIndex = place === this.current ? 0 : -1;
    });
    this.mark();
  }

  /** The band of the open stage stands out in the strip. */
  mark() {
    document.querySelectorAll(".plan-bands .band").forEach((band, place) => band.classList.toggle("current", place === this.current));
  }

  step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || !event.target.classList.contains("stage-tab")) return;
    this.show(this.current + by);
    this.tabs()[this.current].focus();
  }

  /** A link to a field opens what hides it. */
  follow(event) {
    const link = event.target.closest('a[href^="#stages."], a[href^="#model"], a[href^="#quantization"], a[href="#num_threads"], a[href="#evaluate"], a[href="#tensorboard"]');
    const target = link && !link.closest("[data-tabs]") && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target) return;
    event.preventDefault();
    if (this.form.classList.contains("as-json")) return void this.form.elements.document.focus();
    const stage = target.closest('[data-part="stages"]');
    if (stage) this.show(this.stages().indexOf(stage));
    target.closest("details")?.setAttribute("open", "");
    target.focus();
    target.scrollIntoView({ block: "center" });
  }
}
