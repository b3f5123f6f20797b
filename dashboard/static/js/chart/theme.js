// Colours and sizes of the charts, read from the stylesheet's tokens so that a canvas follows the theme.

const INKS = { ink: "--ink", ink2: "--ink2", ink3: "--ink3", line: "--ln", line2: "--ln2", surface: "--sf", ok: "--ok", error: "--er" };
const NUM_STAGE_COLOURS = 5;
const NUM_RUN_COLOURS = 8;

export const RUN_DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [12, 3], [5, 2, 1, 2, 1, 2], [1, 3], [14, 3, 3, 3]];

const DARK = "(prefers-color-scheme: dark)";
let known = null; // {key, theme}: asking the stylesheet for every colour costs more than making a small chart

/** The colours of this moment; read anew only when reader or system have chosen others. */
export function readTheme() {
  const key = [document.documentElement.dataset.theme, matchMedia(DARK).matches, matchMedia("(prefers-contrast: more)").matches].join();
  if (known?.key !== key) known = { key, theme: probeTheme() };
  return known.theme;
}

/** A canvas knows neither var() nor light-dark(): a probe tells what they come to. */
function probeTheme() {
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const read = (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const inks = Object.fromEntries(Object.entries(INKS).map(([name, token]) => [name, read(token)]));
  const theme = { ...inks, font: `11px ${getComputedStyle(document.body).fontFamily}`, stages: stageColours(read), runs: runColours(read) };
  probe.remove();
  return theme;
}

function stageColours(read) {
  return Array.from({ length: NUM_STAGE_COLOURS }, (_, i) => ({
    solid: read(`--s${i + 1}`),
    middle: read(`--s${i + 1}-mid`),
    tint: read(`--s${i + 1}-tint`),
  }));
}

function runColours(read) {
  return Array.from({ length: NUM_RUN_COLOURS }, (_, i) => read(`--r${i + 1}`));
}

/** From the sixth stage on the colours repeat, with a hatch in band and strip; the numeral tells them apart. */
export function stageColour(theme, index) {
  return theme.stages[colourNumber(index) - 1];
}

export function colourNumber(index) {
  return ((index - 1) % NUM_STAGE_COLOURS) + 1;
}

export function isRepeated(index) {
  return index > NUM_STAGE_COLOURS;
}

/** Calls back when the reader or the system changes the theme. */
export function onThemeChange(callback) {
  matchMedia(DARK).addEventListener("change", callback);
  const watcher = new MutationObserver(callback);
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
}
