import { fingerprintCheckpoint } from "../../../dist/src/fingerprint/extract.js";
import { parseFingerprint, serializeFingerprint } from "../../../dist/src/fingerprint/file.js";
import { layerCodes } from "../../../dist/src/fingerprint/layer-codes.js";
import { changedBytes } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { mustInspectSafely } from "../inspect-report.mjs";
import { must, mustEqual } from "../invariant.mjs";
import { checkpointOf, fileOf, tinyLlama, writableName } from "../memory-model.mjs";
import { someTensors } from "../tensor-file.mjs";

/** Whole models of odd names and shapes: their fingerprint can be taken, and is read back the same when it is written. */
export const target = {
  name: "model",
  extension: "bin",
  make(random) {
    const tensors = random.chance(0.7) ? changedModel(random) : someTensors(random);
    const file = writable(random, tensors);
    return random.chance(0.1) ? changedBytes(random, file) : file;
  },
  async check(bytes) {
    const checkpoint = await checkpointOf(bytes);
    await mustInspectSafely(checkpoint);
    const fingerprint = await fingerprintCheckpoint(checkpoint, { depth: "sampled" });
    const written = serializeFingerprint(fingerprint);
    const again = await parseFingerprint(written, "a.fingerprint.safetensors");
    must(
      Buffer.from(serializeFingerprint(again)).equals(written),
      "a fingerprint is written otherwise once it was read",
    );
    // As text: a layer -0 is read as 0 once it was written.
    mustEqual(JSON.stringify(layerCodes(again)), JSON.stringify(layerCodes(fingerprint)), "codes that were read");
  },
};

/** A model with tensors renamed, left out, repeated, and of other types and shapes. */
function changedModel(random) {
  const tensors = tinyLlama(random.pick([1, 2, 8, 32, 33]));
  for (let left = random.small(6); left > 0 && tensors.length > 0; left--) {
    const at = random.below(tensors.length);
    const tensor = tensors[at];
    switch (random.below(6)) {
      case 0:
        tensors.splice(at, 1);
        break;
      case 1:
        tensor.name = random.chance(0.5) ? hostileText(random) : random.pick(tensors).name.replace("weight", "bias");
        break;
      case 2:
        tensor.dtype = random.pick(["F16", "BF16", "F64", "I8", "U8", "BOOL", "F8_E4M3", "I64"]);
        break;
      case 3:
        tensor.shape = Array.from({ length: random.below(5) }, () => random.pick([0, 1, 2, 7, 32, 40]));
        break;
      case 4:
        tensor.name = tensor.name.replace(/\d+/, random.pick(["1", "999999", "99999999999999999999", "00", "-1"]));
        break;
      default:
        tensors.push({ ...tensor, name: `${tensor.name}${random.pick(["_scale", ".lora_A.weight", ".2", "\u202e"])}` });
    }
  }
  return tensors;
}

/** Two tensors of one name, and types that leave part of a byte, are for the target of whole files. */
function writable(random, tensors) {
  const named = tensors.map((tensor) => [writableName(tensor.name), { ...tensor, name: writableName(tensor.name) }]);
  const isWhole = ({ dtype }) => !/^F[46]_?/.test(dtype) || dtype === "F64";
  return fileOf(random, [...new Map(named).values()].filter(isWhole));
}
