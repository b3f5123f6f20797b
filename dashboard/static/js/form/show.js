// A field or a choice that does not apply is neither shown nor sent.

export function show(field, wanted) {
  field.hidden = !wanted;
  for (const input of field.querySelectorAll("input, select")) input.disabled = !wanted;
}

/** An option that is chosen stays in sight: only what can still be chosen is held back. */
export function offer(option, wanted) {
  option.hidden = option.disabled = !wanted && !option.selected;
}
