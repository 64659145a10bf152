import type { PickleGlobal } from "../pickle/values.ts";

/** Modules whose names in a file of weights serve to run code, and of others single functions (CWE-502). */
const DANGEROUS_MODULES = new Set(
  (
    "os posix nt sys subprocess commands popen2 socket ssl http httplib urllib urllib2 requests aiohttp ftplib smtplib webbrowser " +
    "importlib imp runpy pkgutil zipimport pydoc code codeop pty pdb bdb profile cProfile timeit trace ctypes _ctypes cffi mmap " +
    "shutil tempfile glob fileinput pickle _pickle cPickle dill cloudpickle marshal shelve types inspect gc signal resource " +
    "multiprocessing _thread threading asyncio concurrent venv ensurepip pip setuptools distutils doctest unittest pytest"
  ).split(" "),
);
const BUILTINS = new Set(["builtins", "__builtin__", "__builtins__"]);
const DANGEROUS_BUILTINS = new Set(
  "eval exec execfile compile open file input raw_input breakpoint getattr setattr delattr globals locals vars __import__ apply memoryview".split(
    " ",
  ),
);
const DANGEROUS_PATHS = [
  /^operator\.(?:attrgetter|methodcaller)$/,
  /^_operator\.(?:attrgetter|methodcaller)$/,
  /^torch\.(?:hub|package|serialization\.load|jit\.(?:load|frontend)|storage\._load_from_bytes|load)\b/,
  /^numpy\.(?:testing|f2py|distutils)\b/,
];
/** What trainers put beside weights and what means nothing for them: telling of it would tell nothing. */
const PLAIN =
  /^(?:torch\.(?:\w+Storage|storage\.\w+Storage|device|Size|Tensor|dtype|[a-z]+\d\w*|bool|nn\.parameter\.\w+|_utils\._rebuild_\w+|_tensor\._rebuild_\w+)|collections\.\w+|(?:builtins|__builtin__)\.(?:set|frozenset|dict|list|tuple|int|float|bool|str|complex|object|slice|range|bytearray)|copyreg\._reconstructor|copy_reg\._reconstructor|_codecs\.encode|argparse\.Namespace|datetime\.\w+|pathlib\.\w+|(?:numpy|numpy\.\w+|numpy\._?core\.multiarray)\.(?:dtype|scalar|ndarray|_reconstruct))$/;
/** Classes of modules, which TorchScript writes with the module. */
const SCRIPT = /^__torch__\./;

const MAX_LISTED = 8;
const MAX_SHOWN = 120;

/**
 * Notes on the classes and functions that a pickle names and that were not made: those by which loading it elsewhere could run
 * code first, and by name.
 */
export function globalNotes(globals: readonly PickleGlobal[]): string[] {
  const dangerous = globals.filter(isDangerous);
  const others = globals
    .filter(({ path }) => !PLAIN.test(path) && !SCRIPT.test(path))
    .filter((one) => !isDangerous(one));
  return [
    ...(dangerous.length === 0
      ? []
      : [
          `DANGER: the file names ${listed(dangerous)}, which can run code wherever it is loaded as a pickle; nothing of it was run here`,
        ]),
    ...(others.length === 0 ? [] : [`objects of programs were not made: ${listed(others)}`]),
  ];
}

function isDangerous({ module, name, path }: PickleGlobal): boolean {
  const [root] = module.split(".", 1) as [string];
  if (DANGEROUS_MODULES.has(root)) return true;
  // A dotted name reaches into what it names: "torch" and "os.system" are as good as "os" and "system".
  if (BUILTINS.has(root) && DANGEROUS_BUILTINS.has(name.split(".", 1)[0]!)) return true;
  if (name.split(".").some((part) => part.startsWith("__") || DANGEROUS_MODULES.has(part))) return true;
  return DANGEROUS_PATHS.some((pattern) => pattern.test(path));
}

function listed(globals: readonly PickleGlobal[]): string {
  const shown = globals.slice(0, MAX_LISTED).map(({ path }) => path.slice(0, MAX_SHOWN));
  if (globals.length > MAX_LISTED) shown.push(`${globals.length - MAX_LISTED} more`);
  return shown.join(", ");
}
