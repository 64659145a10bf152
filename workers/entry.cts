/**
 * What every thread loads first. It is CommonJS and imports the work with the first task: piscina loads a file by `require`,
 * and Node (20.20, 22) ends the whole process with a fatal error where a thread is ended while an ES module is required.
 */
const work = (load: () => Promise<{ default: (task: never) => unknown }>) => async (task: never) =>
  (await load()).default(task);

exports.editTensors = work(() => import("./edit-tensors.ts"));
exports.readSpread = work(() => import("./read-spread.ts"));
exports.readTensors = work(() => import("./read-tensors.ts"));
exports.runQuality = work(() => import("./run-quality.ts"));
exports.scanTarget = work(() => import("./scan-target.ts"));
exports.tokenize = work(() => import("./tokenize.ts"));
