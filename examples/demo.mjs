// Identifies every example model against the registry of the two bases, shows the negative twin, then marks a model and
// finds marks. Real output, and an exit code of 1 if any answer is not the one that the making of the models calls for
// (examples/README.md).
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const work = mkdtempSync(join(tmpdir(), "weightmark-demo-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
// A clone has the modes that git gives; key files that others can read are refused.
const key = join(work, "demo.key");
copyFileSync(join(root, "examples/demo.key"), key);
chmodSync(key, 0o600);
const marked = join(work, "marked");

const steps = [
  {
    title: "A full fine-tune of base-a",
    args: ["identify", "examples/models/finetune", "--registry", "examples/registry"],
    expected: /^derived: finetune derives from base-a/,
  },
  {
    title: "A LoRA merged into base-a, tensors renamed, no config.json",
    args: ["identify", "examples/models/renamed-lora", "--registry", "examples/registry"],
    expected: /^derived: renamed-lora derives from base-a/,
  },
  {
    title: "A model of another architecture, trained on its own",
    args: ["identify", "examples/models/unrelated", "--registry", "examples/registry"],
    expected: /^no-evidence: No match/,
  },
  {
    title: "The fine-tune with its stream rotated and its neurons renumbered: found by what tokens see",
    args: ["identify", "examples/disguised/rotated", "--registry", "examples/registry"],
    expected: /^derived: rotated shares trained weights with base-a/,
  },
  {
    title: "The same beside the weights of its base",
    args: ["compare", "examples/disguised/rotated", "examples/models/base-a", "--depth", "deep"],
    expected: /^derived: rotated shares trained weights with base-a/,
  },
  {
    title: "An adapter that was not merged, whose configuration names another base",
    args: ["compare", "examples/adapter", "examples/models/base-a", "--depth", "deep"],
    expected: /^derived: adapter was trained on top of base-a or of a model that shares its labels/,
  },
  {
    title: "The same adapter against the wrong base",
    args: ["compare", "examples/adapter", "examples/models/base-b", "--depth", "deep"],
    expected: /^no-evidence: /,
  },
  {
    title: "A base itself, against its registered fingerprint",
    args: ["identify", "examples/models/base-b", "--registry", "examples/registry", "--depth", "full"],
    expected: /^identical: base-b holds the same weights as base-b/,
  },
  {
    title: "The negative twin: same configuration, same data, another seed",
    args: ["compare", "examples/models/base-a", "examples/models/base-b"],
    expected: /^no-evidence: /,
  },
  {
    title: "And the fine-tune of base-a against the wrong base",
    args: ["compare", "examples/models/finetune", "examples/models/base-b"],
    expected: /^no-evidence: /,
  },
  {
    title: "What mark fits into base-b",
    args: ["watermark", "capacity", "examples/models/base-b"],
    expected: /^a payload of up to 128 bits fits/,
  },
  {
    title: "Mark a copy of base-b",
    args: ["watermark", "embed", "examples/models/base-b", "-o", marked, "--key", key, "--payload", "acme-001"],
    expected: /^marked: key fe048e34ee655bb3/,
  },
  {
    title: "What the mark cost: nothing, every logit is the same",
    args: ["quality", "examples/models/base-b", marked, "--text", "README.md"],
    expected: /equal to the bit/,
  },
  {
    title: "The marked copy after a fine-tune on source code",
    args: ["watermark", "verify", "examples/models/leaked", "--key", key],
    expected: /^forensic: mark of key fe048e34ee655bb3 found[\s\S]*"acme-001"/,
  },
  {
    title: "And a model without the mark",
    args: ["watermark", "verify", "examples/models/base-a", "--key", key],
    expected: /^not found: /,
  },
];

for (const { title, args, expected } of steps) {
  console.log(`\n# ${title}\n$ weightmark ${args.join(" ")}\n`);
  const result = spawnSync(process.execPath, ["bin/weightmark.js", ...args], { cwd: root, encoding: "utf8" });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  if (result.status !== 0 || !expected.test(result.stdout)) {
    console.error(`\nThis is not what was expected: ${expected}`);
    process.exitCode = 1;
  }
}
