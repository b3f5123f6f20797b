// A link names a model of a Triton elsewhere by its name alone: what it looks at is asked behind the page.

import { data } from "./dom.js";
import { send } from "./sending.js";

/** Fills in the `inputs` of such models. Where the server does not say them the fields stay, and the answer says what is wrong. */
export async function learnInputs(models, learnt) {
  const served = models.filter((model) => model.served);
  if (!served.length) return;
  const found = await send("GET", data.addresses.served);
  for (const model of served) model.inputs = found.items?.find((each) => each.key === model.key)?.inputs ?? model.inputs;
  learnt();
}
