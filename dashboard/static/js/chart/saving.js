// A chart as a picture: its canvases beneath a title and a legend, on the page's own ground, with the run and the day at the foot.

import { readTheme, stageColour } from "./theme.js";

const MARGIN = 16;
const HEAD = 56;
const FOOT = 26;

/** Saves what `charts` show. Each stage is in the legend by its colour and number. */
export async function savePng(charts, { title, figure = "", run, stages, fileName }) {
  const theme = readTheme();
  const sources = charts.map((chart) => chart.querySelector("canvas"));
  const picture = paint(sources, theme, { title, figure, foot: `${run} · ${new Date().toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`, stages });
  const blob = await new Promise((done) => picture.toBlob(done, "image/png"));
  download(blob, fileName);
}

function paint(sources, theme, words) {
  const ratio = devicePixelRatio;
  const picture = document.createElement("canvas");
  picture.width = Math.max(...sources.map((source) => source.width)) + 2 * MARGIN * ratio;
  picture.height = sources.reduce((sum, source) => sum + source.height, 0) + (HEAD + FOOT) * ratio;
  const ctx = picture.getContext("2d");
  ctx.fillStyle = theme.surface;
  ctx.fillRect(0, 0, picture.width, picture.height);
  let top = HEAD * ratio;
  for (const source of sources) {
    ctx.drawImage(source, MARGIN * ratio, top);
    top += source.height;
  }
  ctx.scale(ratio, ratio);
  write(ctx, theme, picture.width / ratio, picture.height / ratio, words);
  return picture;
}

function write(ctx, theme, width, height, { title, figure, foot, stages }) {
  const family = theme.font.replace(/^\S+ /, "");
  text(ctx, title, MARGIN, 24, `620 14px ${family}`, theme.ink);
  if (figure) text(ctx, figure, width - MARGIN, 24, `620 14px ${family}`, theme.ink, "right");
  let left = MARGIN;
  for (const stage of stages) {
    ctx.fillStyle = stageColour(theme, stage.index).solid;
    ctx.fillRect(left, 39, 14, 3);
    left = text(ctx, `${stage.index} ${stage.name}`, left + 20, 44, `12px ${family}`, theme.ink2) + 18;
  }
  text(ctx, foot, width - MARGIN, height - 9, `11px ${family}`, theme.ink3, "right");
}

/** Returns where the text ends. */
function text(ctx, words, x, y, font, colour, align = "left") {
  Object.assign(ctx, { font, fillStyle: colour, textAlign: align, textBaseline: "alphabetic" });
  ctx.fillText(words, x, y);
  return x + ctx.measureText(words).width;
}

function download(blob, fileName) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A metric's name as a file's: what a file system may not like becomes a dash. */
export function fileNameOf(run, metric) {
  return `${run}-${metric}`.replace(/[^\w.-]+/g, "-").slice(0, 120);
}

/** Draws a metric large where nobody sees it, for a picture with axes; `isRead` says when its points have come. */
export async function withLargeChart(host, view, metric, use) {
  const chart = document.createElement("live-chart");
  for (const [name, value] of Object.entries({ kind: "small", size: "large", metric })) chart.setAttribute(name, value);
  host.append(chart);
  try {
    chart.mount(view);
    await until(() => chart.isVisible && view.store.series(metric).state === "read");
    chart.draw();
    await frames(2);
    await use(chart);
  } finally {
    chart.remove();
  }
}

const PATIENCE_FRAMES = 300;

async function until(isTrue) {
  for (let i = 0; i < PATIENCE_FRAMES && !isTrue(); i += 1) await frames(1);
}

async function frames(count) {
  for (let i = 0; i < count; i += 1) await new Promise(requestAnimationFrame);
}
