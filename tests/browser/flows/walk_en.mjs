import { walkIn } from "../lib/walk_in.mjs";

walkIn("en");
