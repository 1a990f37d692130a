/** Where the web app begins. */
import { render } from "preact";
import { resume } from "./api/session.ts";
import { App } from "./app.tsx";
import { followLinks } from "./router.ts";

followLinks();
void resume();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
