/**
 * What every thread loads first. It is CommonJS and imports the work with the first task: piscina loads a file by `require`,
 * and Node (20.20, 22) ends the whole process with a fatal error where a thread is ended while an ES module is required. An
 * import of many modules opens all their files at once, and handles may be few: they are imported one by one, as the build
 * has put them in order.
 */
const order: Readonly<Record<string, readonly string[]>> = require("./order.json");

type Work = (task: never) => unknown;

const work = (name: string) => {
  let loaded: Promise<Work> | null = null;
  return async (task: never) => {
    loaded ??= load(name);
    return (await loaded)(task);
  };
};

async function load(name: string): Promise<Work> {
  let last: { readonly default: Work } | null = null;
  for (const specifier of order[name]!) last = await import(specifier);
  return last!.default;
}

exports.editTensors = work("edit-tensors");
exports.readSpread = work("read-spread");
exports.readTensors = work("read-tensors");
exports.runQuality = work("run-quality");
exports.scanTarget = work("scan-target");
exports.tokenize = work("tokenize");
