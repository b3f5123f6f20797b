// Makes elements, and says what is wrong: what the modules of the playground share.

export const data = JSON.parse(document.getElementById("playground-data").textContent);
export const words = data.words;

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export function fill(sentence, ...values) {
  return values.reduce((text, value) => text.replace("%s", value), sentence);
}

export function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

/** Shows a sentence at a `.wrong`, or hides it. */
export function complain(place, sentence) {
  place.hidden = !sentence;
  place.querySelector("span").textContent = sentence;
}

/** The address with other `models`, and nothing else changed. */
export function rememberModels(models) {
  const url = new URL(location.href);
  url.searchParams.delete("run");
  url.searchParams.set("models", models.map((model) => model.key).join(","));
  history.replaceState(null, "", url.toString().replaceAll("%2C", ",").replaceAll("%40", "@"));
}

export async function copyText(button, text) {
  const place = button.querySelector("span");
  const before = place.textContent;
  await navigator.clipboard.writeText(text);
  place.textContent = words.copied;
  setTimeout(() => (place.textContent = before), 1500);
}
