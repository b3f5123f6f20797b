// Light, dark, or as the system has it: at once on this page, and remembered by the server for the next.

export function bindTheme() {
  for (const form of document.querySelectorAll("[data-theme-switch]")) form.addEventListener("submit", choose);
}

async function choose(event) {
  event.preventDefault();
  const { currentTarget: form, submitter } = event;
  show(submitter.value);
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === submitter));
  await fetch(form.action, { method: "POST", body: new FormData(form, submitter) });
}

function show(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
