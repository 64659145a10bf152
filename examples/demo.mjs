// Identifies every example model against the registry of the two bases, then shows the negative twin. Real output, and
// an exit code of 1 if any verdict is not the one that the making of the models calls for (examples/README.md).
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

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
