// The sentences that the server has translated for the form's scripts.

const words = JSON.parse(document.getElementById("form-words").textContent);

/** Fills what stands in brackets: say("was", { value: "5e-5" }). */
export function say(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}
