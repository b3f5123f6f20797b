// The menu of a page's less common verbs, and dialogs that want a name typed before they act.

export function bindMenus(root = document) {
  for (const menu of root.querySelectorAll("[data-menu]")) bindMenu(menu);
  for (const opener of root.querySelectorAll("[data-dialog]")) opener.addEventListener("click", () => document.getElementById(opener.dataset.dialog).showModal());
  for (const form of root.querySelectorAll("[data-confirms]")) bindConfirm(form);
}

/** A press beside it, on one of its items, or Esc closes it; the focus goes back to where it came from. */
function bindMenu(menu) {
  document.addEventListener("click", ({ target }) => {
    if (menu.open && (!menu.contains(target) || target.closest("a, button"))) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

/** The button waits for exactly the name that is asked for. */
function bindConfirm(form) {
  const name = form.elements.name;
  const check = () => {
    form.querySelector("[data-confirm]").disabled = name.value.trim() !== form.dataset.confirms;
  };
  name.addEventListener("input", check);
  form.querySelector("[data-close]").addEventListener("click", () => form.closest("dialog").close());
  check();
}
