// The page of one model: the dialog that wants a version typed before it deletes it.

import { bindMenus } from "./menu.js";

bindMenus();
