// The frame of every page: theme, the phone's menu, revealed passwords, and keys.

import { bindTheme } from "./theme.js";

bindTheme();
bindMenu();
bindReveal();
bindCopy();
document.addEventListener("keydown", pressed);

/** "More" on the phone opens the side bar as a sheet; a press beside it or Esc closes it. */
function bindMenu() {
  const opener = document.querySelector("[data-open]");
  const sheet = opener && document.getElementById(opener.dataset.open);
  if (!sheet) return;
  const set = (isOpen) => {
    sheet.classList.toggle("open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  opener.addEventListener("click", () => set(!sheet.classList.contains("open")));
  document.addEventListener("click", ({ target }) => sheet.contains(target) || opener.contains(target) || set(false));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && set(false));
}

function bindReveal() {
  for (const button of document.querySelectorAll("[data-reveal]")) {
    const input = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener("click", () => {
      const isShown = input.type === "text";
      input.type = isShown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!isShown));
    });
  }
}

/** A secret that is shown once can be copied; the button says that it was. */
function bindCopy() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.querySelector("span").textContent = button.dataset.done;
    });
  }
}

const GO = { h: "/", r: "/runs/", c: "/compare/", q: "/queue/", w: "/workers/", m: "/models/", p: "/playground/", s: "/settings/" };
const KEYS = { "/": search, "?": showKeys, n: () => go("/runs/new/"), g: waitForPlace, j: () => walk(1), k: () => walk(-1), x: select };
const WAIT_MS = 1200;
let askedAt = -WAIT_MS;

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("side")) return;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]")) return;
  const isPlace = performance.now() - askedAt < WAIT_MS && event.key in GO;
  askedAt = -WAIT_MS;
  const act = isPlace ? () => go(GO[event.key]) : KEYS[event.key];
  if (act?.() !== undefined) event.preventDefault();
}

function go(address) {
  location.assign(address);
  return true;
}

function waitForPlace() {
  askedAt = performance.now();
  return true;
}

function search() {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else go("/runs/");
  return true;
}

function showKeys() {
  document.getElementById("shortcuts").showModal();
  return true;
}

/** Moves the focus to the next row's link, or the one before. */
function walk(by) {
  const links = [...document.querySelectorAll(".table tbody tr .name[href]")];
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[at < 0 ? 0 : at + by];
  next?.focus();
  return next && true;
}

function select() {
  const box = document.activeElement.closest("tr")?.querySelector("[data-select]");
  box?.click();
  return box && true;
}
