import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
const MAX_STDERR = 400;
/** Loading a target reads and compiles what it tests: for as long nothing is held against an input. */
const LOADING_MS = 120_000;

/**
 * A process that runs inputs, and another one whenever that dies.
 *
 * Limits: `limitMs` for one input, `heapMb` of JavaScript values; memory is measured and judged by the one who asked.
 */
export class Runner {
  #child = null;
  #stderr = "";
  #module;
  #limits;
  #env;

  constructor(module, limits, scratch) {
    this.#module = module;
    this.#limits = limits;
    this.#env = { ...process.env, TMPDIR: scratch, TEMP: scratch, NO_COLOR: "1" };
  }

  /**
   * Runs inputs and tells of each in its order. What hangs or dies is told of as `{ kind: "suspect" }`, and a new process goes on
   * behind it.
   *
   * @param batch `{ target, seed, from, count }`, or `{ target, bytes }` for one input
   */
  async run(batch, tell) {
    let { from = 0, count = 1 } = batch;
    while (count > 0) {
      this.#child ??= await this.#start();
      const end = await this.#follow({ ...batch, from, count }, (outcome) => {
        from = outcome.index + 1;
        count -= 1;
        tell(outcome);
      });
      if (end === null) return;
      await this.stop();
      tell({ index: from, kind: "suspect", ms: 0, grown: 0, size: 0, ...end });
      from += 1;
      count -= 1;
    }
  }

  /** What becomes of one input in a process that has run nothing else. */
  async alone(target, bytes) {
    await this.stop();
    let found = null;
    await this.run({ target, bytes }, (outcome) => {
      found = outcome;
    });
    await this.stop();
    return found;
  }

  async stop() {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async #start() {
    const child = fork(WORKER, [this.#module], {
      execArgv: [`--max-old-space-size=${this.#limits.heapMb}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: this.#env,
    });
    this.#stderr = "";
    child.stderr.on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-20_000);
    });
    const [first] = await Promise.race([once(child, "message"), once(child, "exit")]);
    if (first?.ready !== true) throw new Error(`the process for inputs does not start: ${this.#stderr}`);
    return child;
  }

  /** Null when the batch ended, else how its process did. */
  #follow(batch, tell) {
    const child = this.#child;
    return new Promise((resolve) => {
      let timer;
      const wait = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => finish({ code: "hang", message: `no end within ${this.#limits.limitMs} ms` }), ms);
      };
      const finish = (end) => {
        clearTimeout(timer);
        child.off("message", hear);
        child.off("exit", exit);
        resolve(end);
      };
      const hear = (message) => {
        if (message.done) return finish(null);
        wait(this.#limits.limitMs);
        if (!message.loaded) tell(message);
      };
      const exit = (code, signal) => {
        const [why = ""] = /^(?:FATAL ERROR|\w*Error)[^\n]*/m.exec(this.#stderr) ?? [];
        const message = `its process ended (${signal ?? code}) ${why || this.#stderr.slice(-MAX_STDERR)}`;
        finish({ code: /heap out of memory|allocation failed/i.test(message) ? "memory" : "died", message });
      };
      child.on("message", hear);
      child.on("exit", exit);
      wait(LOADING_MS);
      child.send(batch);
    });
  }
}
