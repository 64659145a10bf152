/** Bad and odd files of PyTorch and NumPy for the corpus; the part of make.mjs that needs a writer of pickles. */
import { call, encoded, floats, global, MAGIC, npy, outside, pickled, raw, storage, tensor, torchLegacy, torchZip, tuple, zipOf } from "../support/torch-file.mjs";

const bytes = floats([1, 2, 3, 4, 5, 6]);
const F = storage("0", 6);
const W = tensor(F, [2, 3]);
const dict = (...entries) => new Map(entries);
const pt = (value, storages = { 0: bytes }, options = {}) => torchZip(value, storages, options);
const one = (value) => pt(dict(["w", value]));
const program = (...parts) => torchZip(null, {}, { pickle: Buffer.concat([Buffer.from([0x80, 2]), raw(...parts).raw]) });
const u32 = (value) => String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255);
const npz = (...members) => zipOf(members.map(([name, data, more]) => ({ name, data, ...more })));
const plain = npy("<f4", [2, 3], bytes);
/** Two members that share what lies behind the header of the second, as in archives that unpack to far more than they have. */
const overlapping = () => {
  const data = floats([1, 2, 3, 4]);
  return zipOf([
    { name: "a.npy", data, packed: data.length + 36, size: data.length + 36, localSize: data.length + 36 },
    { name: "b.npy", data },
  ]);
};

/** @type {readonly (readonly [name: string, expect: string, why: string, bytes: Uint8Array])[]} */
export const ARRAY_VECTORS = [
  ["plain.pt", "ok", "one tensor", one(W)],
  ["transposed.pt", "ok", "a tensor that does not lie in order", one(tensor(F, [3, 2], { strides: [1, 3] }))],
  ["tied.pt", "ok", "two names for the same bytes", pt(dict(["a", W], ["b", W]))],
  ["big-endian.pt", "ok", "an archive of a machine with the other order of bytes", pt(dict(["w", W]), { 0: floats([1, 2, 3, 4, 5, 6], true) }, { order: "big" })],
  ["large-records.pt", "ok", "the records that archives beyond 4 GiB have", pt(dict(["w", W]), { 0: bytes }, { large: true })],
  ["legacy.pt", "ok", "the form from before PyTorch 1.6", torchLegacy(dict(["w", W]), { 0: bytes })],
  ["name-proto.pt", "ok", "__proto__ is a name like any other", pt(dict(["__proto__", W]))],
  ["os-system.pt", "ok", "a call of os.system beside the weights: told, never made", pt(dict(["w", W], ["x", call(global("os", "system"), tuple("touch owned"))]))],
  ["posix-system.pt", "ok", "the same by the name that picklers on Linux write", pt(dict(["w", W], ["x", call(global("posix", "system"), tuple("touch owned"))]))],
  ["eval.pt", "ok", "a call of eval", pt(dict(["w", W], ["x", call(global("builtins", "eval"), tuple("1/0"))]))],
  ["getattr.pt", "ok", "what getattr gives is called in turn", pt(dict(["w", W], ["x", call(call(global("builtins", "getattr"), tuple(global("os", "path"), "join")), tuple("a"))]))],
  ["dotted-name.pt", "ok", "a name that reaches into a module", pt(dict(["w", W], ["x", call(global("torch", "serialization.os.system"), tuple("touch owned"))]))],
  ["import.pt", "ok", "a call of __import__", pt(dict(["w", W], ["x", call(global("builtins", "__import__"), tuple("os"))]))],
  ["built.pt", "ok", "a state that is given to a gadget", pt(dict(["w", W], ["x", call(global("subprocess", "Popen"), tuple(["sh"]), dict(["shell", true]))]))],
  ["gadget-alone.pt", "PT_NO_TENSORS", "a call of os.system and no weights", pt(call(global("os", "system"), tuple("touch owned")))],
  ["gadget-around-tensor.pt", "PT_TENSOR_UNKNOWN", "a tensor that is wrapped by a call", one(call(global("os", "putenv"), tuple(W)))],
  ["subclass.pt", "PT_TENSOR_UNKNOWN", "a weight of a class of some program", one(call(global("torchao.dtypes", "Int4Tensor"), tuple(), dict(["data", W])))],
  ["view-beyond.pt", "PT_OUT_OF_BOUNDS", "a shape larger than its storage", one(tensor(F, [2, 4]))],
  ["view-offset.pt", "PT_OUT_OF_BOUNDS", "an offset beyond the storage", one(tensor(F, [2], { offset: 5 }))],
  ["view-stride.pt", "PT_OUT_OF_BOUNDS", "a stride that leads out of the storage", one(tensor(F, [2, 2], { strides: [6, 1] }))],
  ["view-overflow.pt", "PT_OUT_OF_BOUNDS", "strides whose sum is beyond 2^53", one(tensor(F, [2 ** 31 - 1, 2 ** 31 - 1], { strides: [2 ** 31 - 1, 2 ** 31 - 1] }))],
  ["view-shape-overflow.pt", "PT_OUT_OF_BOUNDS", "a shape whose product is beyond 2^53, at strides of 0", one(tensor(F, [2 ** 31 - 1, 2 ** 31 - 1], { strides: [0, 0] }))],
  ["view-negative.pt", "PT_MALFORMED", "a negative offset", one(tensor(F, [2], { offset: -1 }))],
  ["view-huge-offset.pt", "PT_MALFORMED", "an offset of 2^64", one(tensor(F, [2], { offset: 2n ** 64n }))],
  ["view-stride-negative.pt", "PT_MALFORMED", "a negative stride", one(tensor(F, [2], { strides: [-1] }))],
  ["view-stride-missing.pt", "PT_MALFORMED", "fewer strides than axes", one(tensor(F, [2, 1], { strides: [1] }))],
  ["view-rank.pt", "PT_MALFORMED", "65 axes", one(tensor(F, Array(65).fill(1)))],
  ["view-bomb.pt", "PT_VIEWS_TOO_LARGE", "one element given out a billion times", one(tensor(F, [1e9], { strides: [0] }))],
  ["view-bomb-many.pt", "PT_VIEWS_TOO_LARGE", "the same bytes under thousands of names", pt(new Map(Array.from({ length: 2000 }, (_, i) => [`w${i}`, tensor(F, [4096], { strides: [0] })])))],
  ["no-storage.pt", "PT_MALFORMED", "a tensor in a text", one(tensor("storage", [2]))],
  ["storage-missing.pt", "PT_STORAGE_WRONG", "the archive lacks the bytes", pt(dict(["w", W]), {})],
  ["storage-short.pt", "PT_STORAGE_WRONG", "the archive has fewer bytes", pt(dict(["w", W]), { 0: floats([1]) })],
  ["storage-path.pt", "PT_STORAGE_WRONG", "a key that would be a path", pt(dict(["w", tensor(storage("../../../etc/passwd", 6), [2, 3])]))],
  ["storage-type.pt", "PT_MALFORMED", "a storage of a type that is none", one(tensor(outside(tuple("storage", global("os", "FloatStorage"), "0", "cpu", 6)), [2]))],
  ["outside.pt", "PICKLE_MALFORMED", "a reference to something else than a storage", one(outside("0"))],
  ["duplicate-name.pt", "PT_DUPLICATE_NAME", "a name twice", twice()],
  ["unpickled-string.pt", "PT_NO_TENSORS", "a pickle of a text", pt("w")],
  ["opcode-unknown.pt", "PICKLE_MALFORMED", "no instruction", program("\xff.")],
  ["opcode-inst.pt", "PICKLE_UNSUPPORTED", "INST, which calls what it names", program("(ios\nsystem\n.")],
  ["opcode-obj.pt", "PICKLE_UNSUPPORTED", "OBJ, which does as well", program("(cos\nsystem\no.")],
  ["opcode-ext.pt", "PICKLE_UNSUPPORTED", "EXT1, a number that a registry of the process gives a meaning", program("\x82\x01.")],
  ["opcode-buffer.pt", "PICKLE_UNSUPPORTED", "NEXT_BUFFER, bytes from outside", program("\x97.")],
  ["opcode-text.pt", "PICKLE_UNSUPPORTED", "a whole number of protocol 0", program("I1\n.")],
  ["protocol-6.pt", "PICKLE_UNSUPPORTED", "a protocol that there is not", torchZip(null, {}, { pickle: pickled(null, 6) })],
  ["stack-empty.pt", "PICKLE_MALFORMED", "an instruction without what it takes", program("0.")],
  ["stack-left.pt", "PICKLE_MALFORMED", "values left over", program("NN.")],
  ["mark-missing.pt", "PICKLE_MALFORMED", "a tuple without its mark", program("t.")],
  ["mark-below.pt", "PICKLE_MALFORMED", "an instruction that takes what lies below a mark", program("NN(\x86.")],
  ["memo-missing.pt", "PICKLE_MALFORMED", "what nobody remembered", program("h\x00.")],
  ["append-to-none.pt", "PICKLE_MALFORMED", "an item for what is no list", program("NNa.")],
  ["item-of-none.pt", "PICKLE_MALFORMED", "an entry for what is no dict", program("NNNs.")],
  ["items-odd.pt", "PICKLE_MALFORMED", "a key without a value", program("}(Nu.")],
  ["called-number.pt", "PICKLE_MALFORMED", "a number is called", program("K\x01)R.")],
  ["global-number.pt", "PICKLE_MALFORMED", "a class named by a number", program("K\x01K\x01\x93.")],
  ["truncated.pt", "PICKLE_TRUNCATED", "no end", program("}")],
  ["truncated-text.pt", "PICKLE_TRUNCATED", "a text of more bytes than there are", program("X", u32(1000), "a.")],
  ["truncated-name.pt", "PICKLE_TRUNCATED", "a name without its end", program("cos")],
  ["text-bomb.pt", "PICKLE_LIMIT", "a text of 4 GiB", program("X", u32(0xffffffff), "a.")],
  ["text-bomb-8.pt", "PICKLE_LIMIT", "a text of 2^63 bytes", program("\x8d", "\0\0\0\0\0\0\0\x80", ".")],
  ["long-bomb.pt", "PICKLE_LIMIT", "a whole number of 2 GiB", program("\x8b", u32(0x7fffffff), ".")],
  ["name-bomb.pt", "PICKLE_LIMIT", "a class with a name of 2,000 letters", program(`c${"a".repeat(2000)}\nb\n.`)],
  ["deep-tuples.pt", "PT_NO_TENSORS", "10,000 tuples in one another", program("N", "\x85".repeat(10_000), ".")],
  ["deep-lists.pt", "PT_NO_TENSORS", "10,000 lists in one another", program("]".repeat(10_000), "a".repeat(9_999), ".")],
  ["deep-weights.pt", "PICKLE_LIMIT", "a tensor below a hundred dicts", pt(Array.from({ length: 100 }).reduce((inner) => dict(["d", inner]), W))],
  ["laughs.pt", "PICKLE_LIMIT", "dicts that hold the one before twice, and a tensor at the bottom: 2^60 names", laughs(60)],
  ["cycle.pt", "PT_NO_TENSORS", "a list that lies in itself", program("]q\x00h\x00a.")],
  ["module-cycle.pt", "PT_NO_TENSORS", "a module whose parameters are itself", inItself()],
  ["no-pickle.pt", "PT_MALFORMED", "an archive without its pickle", zipOf([{ name: "archive/data/0", data: bytes }])],
  ["two-pickles.pt", "PT_MALFORMED", "an archive with two", pt(dict(["w", W]), { 0: bytes }, { members: [{ name: "other/data.pkl", data: pickled(null) }] })],
  ["byteorder.pt", "PT_MALFORMED", "an order of bytes that is none", pt(dict(["w", W]), { 0: bytes }, { order: "middle" })],
  ["byteorder-long.pt", "PICKLE_LIMIT", "an order of bytes of a hundred letters", pt(dict(["w", W]), { 0: bytes }, { order: "big".repeat(40) })],
  ["compressed.pt", "ZIP_MEMBER_UNSUPPORTED", "a pickle that claims to be deflated", zipOf([{ name: "archive/data.pkl", data: pickled(dict()), method: 8 }])],
  ["encrypted.pt", "ZIP_MEMBER_UNSUPPORTED", "a pickle that claims to be encrypted", zipOf([{ name: "archive/data.pkl", data: pickled(dict()), flags: 1 }])],
  ["compressed-storage.pt", "ZIP_MEMBER_UNSUPPORTED", "a storage that claims to be deflated", pt(dict(["w", W]), {}, { members: [{ name: "archive/data/0", data: bytes, method: 8 }] })],
  ["zip-bomb.npz", "ZIP_MEMBER_UNSUPPORTED", "a kilobyte that claims to unpack to 4 GiB", npz(["w.npy", Buffer.alloc(1024), { method: 8, size: 0xfffffffe, localSize: 0xffffffff }])],
  ["legacy-magic.pt", "PT_MALFORMED", "a second pickle with another number", torchLegacy(dict(["w", W]), { 0: bytes }, { version: 1002 })],
  ["legacy-keys.pt", "PT_STORAGE_WRONG", "a list of storages that are not the tensors'", torchLegacy(dict(["w", W]), { 0: bytes }, { keys: ["1"] })],
  ["legacy-key-twice.pt", "PT_STORAGE_WRONG", "a list that names a storage twice", torchLegacy(dict(["w", W]), { 0: bytes }, { keys: ["0", "0"] })],
  ["legacy-keys-missing.pt", "PT_STORAGE_WRONG", "a tensor whose storage is not listed", torchLegacy(dict(["w", W]), {})],
  ["legacy-tail.pt", "PT_STORAGE_WRONG", "bytes behind the last storage", torchLegacy(dict(["w", W]), { 0: bytes }, { tail: "x" })],
  ["legacy-short.pt", "PT_STORAGE_WRONG", "a storage that is cut off", torchLegacy(dict(["w", W]), { 0: bytes }).subarray(0, -4)],
  ["legacy-count.pt", "PT_STORAGE_WRONG", "a storage that counts itself otherwise", torchLegacy(dict(["w", W]), { 0: bytes }, { width: 8 })],
  ["legacy-two-lengths.pt", "PT_MALFORMED", "two storages under one key", torchLegacy(dict(["w", W], ["v", tensor(storage("0", 7), [7])]), { 0: bytes })],
  ["legacy-view.pt", "PT_MALFORMED", "a storage that reaches beyond the one that it is part of", torchLegacy(dict(["w", tensor(storage("0", 6, "Float", tuple("1", 4, 3)), [3])]), { 0: bytes })],
  ["legacy-truncated.pt", "PICKLE_TRUNCATED", "a file that ends within its pickles", pickled(MAGIC)],
  ["zip-overlap.npz", "ZIP_OVERLAP", "two members that share bytes", overlapping()],
  ["zip-same-place.npz", "ZIP_OVERLAP", "two members in the same place", npz(["a.npy", plain], ["b.npy", plain, { at: 0 }])],
  ["zip-before.npz", "ZIP_POLYGLOT", "bytes before the first member", zipOf([{ name: "a.npy", data: plain }], { before: Buffer.from("PK\x03\x04") })],
  ["zip-between.npz", "ZIP_POLYGLOT", "bytes between two members", npz(["a.npy", plain, { gap: Buffer.alloc(7) }], ["b.npy", plain])],
  ["zip-comment.npz", "ZIP_MALFORMED", "a comment, in which another end could stand", zipOf([{ name: "a.npy", data: plain }], { after: Buffer.from("hello") })],
  ["zip-cut.npz", "ZIP_MALFORMED", "an archive that is cut off", npz(["a.npy", plain]).subarray(0, -30)],
  ["zip-name.npz", "ZIP_MALFORMED", "a header with another name than the list", npz(["a.npy", plain, { localName: "b.npy" }])],
  ["zip-size.npz", "ZIP_MALFORMED", "a header with another size than the list", npz(["a.npy", plain, { localSize: 7 }])],
  ["zip-method.npz", "ZIP_MALFORMED", "a header that is packed otherwise than the list", npz(["a.npy", plain, { localMethod: 8 }])],
  ["zip-twice.npz", "ZIP_MALFORMED", "a name twice", npz(["a.npy", plain], ["a.npy", plain])],
  ["zip-count.npz", "ZIP_MALFORMED", "fewer members than announced", zipOf([{ name: "a.npy", data: plain }], { count: 2 })],
  ["zip-volume.npz", "ZIP_MALFORMED", "a member in another volume", npz(["a.npy", plain, { disk: 1 }])],
  ["zip-utf8.npz", "ZIP_MALFORMED", "a name that is not UTF-8", npz([Buffer.from([0x61, 0xff, 0x2e, 0x6e, 0x70, 0x79]), plain, { localName: "a.npy" }])],
  ["zip-nothing.npz", "PT_NO_TENSORS", "no array, but what looks like one in a text", npz(["b.txt", npz(["a.npy", plain]).subarray(0, 60)])],
  ["plain.npy", "ok", "an array", plain],
  ["fortran.npy", "ok", "an array with the first axis fastest", npy("<f4", [2, 3], bytes, { fortran: true })],
  ["version-2.npy", "ok", "an array with a longer header", npy("<f4", [2, 3], bytes, { version: 2 })],
  ["objects.npy", "NPY_UNSUPPORTED", "an array of objects, which is a pickle", npy("|O", [1], pickled(call(global("os", "system"), tuple("touch owned"))))],
  ["records.npy", "NPY_UNSUPPORTED", "an array of records", npy("", [], bytes, { header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }" })],
  ["texts.npy", "NPY_UNSUPPORTED", "an array of texts", npy("<U4", [1], bytes)],
  ["version.npy", "NPY_MALFORMED", "a version that is not known", npy("<f4", [2, 3], bytes, { version: 9 })],
  ["short.npy", "NPY_MALFORMED", "fewer bytes than its shape says", npy("<f4", [3, 3], bytes)],
  ["long.npy", "NPY_MALFORMED", "bytes behind the array", npy("<f4", [2, 2], bytes)],
  ["overflow.npy", "NPY_MALFORMED", "a shape beyond 2^53", npy("<f4", [2 ** 52, 2 ** 52], bytes)],
  ["header-call.npy", "NPY_MALFORMED", "an expression in the header", npy("", [], bytes, { header: "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').system('touch owned'),), }" })],
  ["header-twice.npy", "NPY_MALFORMED", "a key twice", npy("", [], bytes, { header: "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (6,)}" })],
  ["header-extra.npy", "NPY_MALFORMED", "a key that numpy does not write", npy("", [], bytes, { header: "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': True}" })],
  ["header-long.npy", "NPY_MALFORMED", "a header of 20,000 bytes", npy("", [], bytes, { header: `{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}${" ".repeat(20_000)}` })],
  ["header-deep.npy", "NPY_MALFORMED", "brackets in one another", npy("", [], bytes, { header: "(".repeat(9000) })],
];

/** A dict with one key two times. */
function twice() {
  const entry = Buffer.concat([encoded("w"), encoded(W)]);
  return torchZip(null, { 0: bytes }, { pickle: Buffer.concat([raw("\x80\x02}(").raw, entry, entry, raw("u.").raw]) });
}

/** A module whose parts are itself. */
function inItself() {
  const part = (name) => encoded(name).toString("latin1") + "h\x00";
  return program("cnet\nNet\n)Rq\x00}(", part("_parameters"), part("_modules"), "ub.");
}

/** Dicts of which each holds the one before under two names. */
function laughs(levels) {
  const build = Array.from({ length: levels }, (_, i) => [
    "}(",
    `X${u32(1)}a`,
    i === 0 ? "h\x00" : `h${String.fromCharCode(i)}`,
    `X${u32(1)}b`,
    i === 0 ? "h\x00" : `h${String.fromCharCode(i)}`,
    `uq${String.fromCharCode(i + 1)}`,
    i < levels - 1 ? "0" : "",
  ]).flat();
  const start = Buffer.concat([pickled(W).subarray(0, -1), raw("q\x000").raw]);
  return torchZip(null, { 0: bytes }, { pickle: Buffer.concat([start, raw(...build, ".").raw]) });
}
