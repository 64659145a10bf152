import { loadCommandLine } from "./few-handles.ts";
import { quietWarnings } from "./warnings.ts";

const argv = process.argv.slice(2);

quietWarnings(argv);
loadCommandLine();
const { start } = await import("./start.ts");
await start(argv);
