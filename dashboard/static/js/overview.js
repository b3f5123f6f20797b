// Keeps strips, shares, losses and ages of the listed runs fresh, in place, from /ws/overview/.

import * as numbers from "./chart/numbers.js";
import { fill } from "./chart/words.js";
import { waitBeforeTry } from "./live/backoff.js";
import { Regions } from "./live/regions.js";
import { drawAges, takeFreshness } from "./overview/ages.js";
import { showRun } from "./overview/places.js";

const SIGNED_OUT = 4401;
const REDRAW_EVERY_MS = 10_000;
const REDRAW_PLAN_EVERY_MS = 3000;
const words = JSON.parse(document.getElementById("shell-words").textContent);
const skew = Number(document.getElementById("side").dataset.now) - Date.now() / 1000;
const clock = () => Date.now() / 1000 + skew;

const regions = new Regions(() => document.dispatchEvent(new Event("anneal:replaced")));
const seen = new Map();
let tries = 0;
let redrawnAt = 0;
let offSince = null;
let heardAt = null; // the last word of a run at work

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/overview/`);
  socket.onopen = () => opened();
  socket.onmessage = ({ data }) => heard(JSON.parse(data).runs);
  socket.onclose = ({ code }) => closed(code);
}

function opened() {
  if (tries > 0) regions.refresh();
  tries = 0;
  offSince = null;
  showConnection("live", words.live);
}

function heard(runs) {
  heardAt = clock();
  runs.forEach(receive);
  showAge();
}

function closed(code) {
  offSince ??= clock();
  heardAt = null;
  if (code === SIGNED_OUT) return showConnection("lost", words.signed_out);
  showConnection("stale", words.reconnecting);
  setTimeout(connect, 1000 * waitBeforeTry(tries));
  tries += 1;
}

function showConnection(state, word) {
  for (const line of document.querySelectorAll("[data-connection]")) {
    line.className = `freshness ${state}`;
    line.querySelector("b").textContent = word;
  }
}

/** How old the last word is, while there are runs that speak; of a page where nothing runs it says nothing. */
function showAge() {
  const isSpeaking = heardAt !== null && document.querySelector(".running-now [data-run]") !== null;
  const text = isSpeaking ? numbers.age(clock() - heardAt) : "";
  for (const age of document.querySelectorAll("[data-connection-age]")) if (age.textContent !== text) age.textContent = text;
}

/** Numbers change in place; a run that has changed its state, or is new, is drawn by the server. */
function receive(run) {
  const places = document.querySelectorAll(`[data-run="${run.id}"]`);
  const before = seen.get(run.id) ?? places[0]?.dataset.runStatus;
  const isFirst = !seen.size;
  seen.set(run.id, run.status);
  for (const place of places) showRun(place, run);
  for (const place of places) takeFreshness(place, run);
  document.dispatchEvent(new CustomEvent("anneal:run", { detail: run }));
  redraw(places);
  if (before !== undefined ? before !== run.status : !isFirst) regions.refresh();
  if (before === undefined && !isFirst && !document.querySelector(`tr[data-run="${run.id}"]`)) offerNew();
}

/** Accuracies, estimates and counts come from the server now and then; the plan of the first run, whose curves it draws, more often. */
function redraw(places) {
  const shown = [...places].filter((place) => place.closest("main"));
  const pause = shown.some((place) => place.matches("[data-redraw]")) ? REDRAW_PLAN_EVERY_MS : REDRAW_EVERY_MS;
  if (!shown.length || document.hidden || performance.now() - redrawnAt < pause) return;
  redrawnAt = performance.now();
  regions.refresh();
}

/** Rows do not move under the pointer: new ones wait until they are asked for. */
function offerNew() {
  for (const link of document.querySelectorAll("[data-new-runs]")) {
    link.dataset.newRuns = Number(link.dataset.newRuns || 0) + 1;
    link.textContent = words.new_runs.replace("{count}", link.dataset.newRuns);
    link.hidden = false;
  }
}

function tick() {
  if (document.hidden) return;
  drawAges(words, clock(), offSince);
  showAge();
  const reason = offSince === null ? words.connected : fill(words.not_connected, { age: numbers.age(clock() - offSince) });
  for (const line of document.querySelectorAll("[data-connection]")) line.title = reason;
}

tick();
setInterval(tick, 1000);
connect();
