// The page of one model: dialogs that want a name typed, and a choice that asks at once.

import { bindMenus } from "./menu.js";

bindMenus();
for (const field of document.querySelectorAll("[data-submits]")) field.addEventListener("change", () => field.form.requestSubmit());
