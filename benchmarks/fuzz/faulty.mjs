/** Targets that are wrong on purpose: what the fuzz must notice. */
const TARGETS = {
  throws: (bytes) => {
    if (bytes[0] === 3) null.length;
  },
  "throws later": (bytes) => {
    // Nobody waits for it.
    if (bytes[0] === 3) Promise.reject(new RangeError("nobody waits for this"));
  },
  hangs: (bytes) => {
    while (bytes[0] === 3);
  },
  "fills the heap": (bytes) => {
    for (const kept = []; bytes[0] === 3; ) kept.push(new Array(100_000).fill(kept.length));
  },
  "fills memory": (bytes) => {
    if (bytes[0] === 3) new Uint8Array(200 << 20).fill(1);
  },
  "is sound": (bytes) => {
    if (bytes.length !== 1) throw new Error("the fuzz gave another input than was made");
  },
};

export async function loadTarget(name) {
  return {
    name,
    extension: "bin",
    make: (random) => Uint8Array.of(random.below(16)),
    check: async (bytes) => TARGETS[name](bytes),
  };
}
