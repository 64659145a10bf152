// Runs command lines one after the other in one process of the built command: starting Node costs more than most tests.
import { createInterface } from "node:readline";
import { runCommandLine } from "../../dist/src/cli/command-line.js";

const reply = process.stdout.write.bind(process.stdout);

for await (const line of createInterface({ input: process.stdin })) {
  const { args, cwd } = JSON.parse(line);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    process[name].write = (text, ...rest) => {
      output[name] += text;
      rest.at(-1)?.();
      return true;
    };
  }
  process.chdir(cwd);
  const exitCode = await runCommandLine(args);
  reply(`${JSON.stringify({ exitCode, ...output })}\n`);
}
