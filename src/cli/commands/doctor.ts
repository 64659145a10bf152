import { arch, availableParallelism, platform, release, totalmem } from "node:os";
import type { Command } from "commander";
import { type CommonOptions, withCommon } from "../options.ts";
import { openSession } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";

interface DoctorOptions extends CommonOptions {
  readonly registry?: string;
}

export function registerDoctor(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("doctor")
    .summary("check this installation by trying it")
    .description("Checks this installation by trying each of its parts: kernels, workers, engines, registry.")
    .option("--registry <dir>", "which registry to check (default: the user's data directory)");
  withCommon(command).action(async (options: DoctorOptions) => {
    const { doctorReport } = await import("../../report/build.ts");
    const { runChecks } = await import("../checks.ts");
    const session = openSession(options, options.registry === undefined ? [] : [options.registry]);
    const checks = await runChecks(options.registry);
    const ok = checks.every(({ status }) => status !== "failed");
    await session.emit(
      doctorReport(session.run(), {
        ok,
        platform: {
          node: process.versions.node,
          os: `${platform()} ${release()}`,
          arch: arch(),
          cpus: availableParallelism(),
          memory: String(totalmem()),
        },
        checks,
      }),
    );
    setExitCode(ok ? 0 : 3);
  });
}
