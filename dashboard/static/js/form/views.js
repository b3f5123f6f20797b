// Form or JSON: two views of one document. The server turns one into the other.

export class Views {
  constructor(form, plan) {
    this.form = form;
    this.plan = plan;
    this.text = form.elements.document;
    this.root = form.querySelector("[data-views]");
    this.root.hidden = false;
    this.root.addEventListener("click", (event) => this.choose(event.target.closest("[data-view]")?.dataset.view));
    this.show(this.text.disabled ? "form" : "json");
  }

  choose(view) {
    if (view === "json" && this.text.disabled) this.toJson();
    if (view === "form" && !this.text.disabled) this.toForm();
  }

  async toJson() {
    if (!(await this.plan.refresh())) return;
    this.text.value = this.before = this.plan.json;
    this.text.disabled = false;
    this.show("json");
    this.text.setSelectionRange(0, 0);
    this.text.focus();
    this.text.scrollTop = 0;
  }

  /** What was changed goes through the server, which fills the form with it or says what is wrong. */
  toForm() {
    if (this.text.value !== this.before) return void this.form.requestSubmit(this.form.querySelector('[name="act"]'));
    this.text.disabled = true;
    this.show("form");
    this.plan.refreshSoon();
  }

  show(view) {
    this.form.classList.toggle("as-json", view === "json");
    this.form.querySelector("[data-json]").hidden = view !== "json";
    for (const button of this.root.children) button.setAttribute("aria-pressed", button.dataset.view === view);
  }
}
