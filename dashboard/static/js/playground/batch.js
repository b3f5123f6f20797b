// Many inputs at once: pictures with a CSV, or a ZIP archive; the answers become a CSV.

import { fieldsOf } from "./asking.js";
import { data, fill, words } from "./dom.js";
import { readLines } from "./lines.js";

const UNSAFE = /^[=+\-@\t\r]/;

export class Batch {
  constructor(place, models) {
    Object.assign(this, { place, models, rows: [], reading: null, url: "" });
    this.part("batch-start").addEventListener("click", () => this.start());
    this.part("batch-stop").addEventListener("click", () => this.reading.abort());
  }

  part(name) {
    return this.place.querySelector(`[data-${name}]`);
  }

  async start() {
    const { files } = this.part("batch-files");
    if (!files.length) return this.say(words.batch_empty);
    this.rows = [];
    this.reading = new AbortController();
    this.busy(true);
    const problem = await readLines(data.addresses.batches, this.form(files), (line) => this.hear(line), this.reading.signal);
    this.busy(false);
    const refused = this.rows.filter((row) => row.error).length;
    this.say([fill(words.batch_done, this.rows.length - refused, refused), problem].filter(Boolean).join(". "));
    if (!this.rows.length && problem) this.say(problem);
    this.offer();
    return null;
  }

  /** The first of the models side by side that is of a run is asked. */
  form(files) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fieldsOf(this.models.ofRun))) body.set(name, value);
    for (const file of files) body.append("files", file);
    return body;
  }

  hear(line) {
    if ("count" in line) this.count = line.count;
    else this.rows.push(line);
    this.part("batch-progress").max = this.count || 1;
    this.part("batch-progress").value = this.rows.length;
    this.say(fill(words.batch_progress, this.rows.length, this.count));
  }

  say(text) {
    this.part("batch-state").textContent = text;
  }

  busy(yes) {
    this.part("batch-start").disabled = yes;
    this.part("batch-stop").hidden = !yes;
    this.part("batch-progress").hidden = !yes;
  }

  offer() {
    URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(new Blob([csvOf(this.rows)], { type: "text/csv" }));
    this.part("batch-result").href = this.url;
    this.part("batch-result").hidden = !this.rows.length;
  }
}

export function csvOf(rows) {
  const classes = [...new Set(rows.flatMap((row) => Object.keys(row.probabilities ?? {})))];
  const head = ["file", "text", "class", ...classes, "latency_ms", "error"];
  const lines = rows.map((row) => [row.name, row.text, row.class, ...classes.map((name) => row.probabilities?.[name]), row.latency_ms, row.error]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** A spreadsheet would run what begins like a formula. */
function cell(value) {
  const text = typeof value === "string" && UNSAFE.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
