import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import type { AddOutcome, Registry, RegistryEntry } from "../../registry/index.ts";
import { type CommonOptions, KEEP_DEEP, type ReadingOptions, withCommon, withReading } from "../options.ts";
import { addModel, type NamedPart, namedPart } from "../registry/add-model.ts";
import { atRevision, MODEL, withRemote } from "../remote.ts";
import { openSession, requireOtherFile, type Session } from "../session.ts";
import type { SetExitCode } from "../set-exit-code.ts";
import { requirementOf, type SignatureOptions, signedSubject, withSignature } from "../signing/require-signature.ts";
import { openSubject } from "../subject.ts";

interface RegistryOptions extends CommonOptions, ReadingOptions, SignatureOptions {
  readonly registry?: string;
  readonly name?: string;
  readonly root?: boolean;
  readonly partOf?: readonly NamedPart[];
  readonly replace?: boolean;
}

/** What a subcommand did, for the report; the report itself tells the registry's state after it. */
type Outcome = Parameters<typeof import("../../report/build.ts").registryReport>[3];
type Action = Parameters<typeof import("../../report/build.ts").registryReport>[2];

export function registerRegistry(program: Command, setExitCode: SetExitCode): void {
  const group = program
    .command("registry")
    .summary("keep the fingerprints of known bases")
    .description("Keeps the fingerprints of known bases, for identify.")
    .helpCommand(false);
  const sub = (usage: string, summary: string, output?: string) =>
    withCommon(group.command(usage).description(summary), output).option(
      "--registry <dir|url>",
      "which registry (default: the user's data directory)",
    );

  withSignature(withRemote(withReading(sub("add <model...>", `register fingerprint files or models: ${MODEL}`))))
    .option("--deep", KEEP_DEEP)
    .option("--name <name>", "what to call it (default: the last part of its path)")
    .option("--root", "trained from scratch: lets a verdict name a direction")
    .option(
      "--part-of <component=entry>",
      "that component comes from that registered entry: no direction is claimed on its ground (repeatable)",
      namedPart,
    )
    .option("--replace", "replace what is registered under that name, or rename")
    .action((models: string[], options: RegistryOptions) => add(models, options));
  sub("list", "list what is registered").action((options: RegistryOptions) =>
    onRegistry("list", options, [], false, async (registry) => ({
      entries: await entryReports(registry, registry.list()),
    })),
  );
  sub("show <entry>", "show one entry, by name or digest").action((entry: string, options: RegistryOptions) =>
    onRegistry("show", options, [], false, async (registry) => ({
      entries: await entryReports(registry, [registry.find(entry)]),
    })),
  );
  sub("remove <entry>", "remove one entry, by name or digest").action((entry: string, options: RegistryOptions) =>
    onRegistry("remove", options, [], false, async (registry) => {
      const [removed] = await entryReports(registry, [await registry.remove(entry)]);
      return { changes: [{ status: "removed", entry: removed!, notes: [] }] };
    }),
  );
  sub("export", "write all of it to one archive", "the archive to write (required)").action(
    (options: RegistryOptions) => exportArchive(options),
  );
  withSignature(sub("import <archive>", "add everything of an archive, or nothing"))
    .option("--replace", "replace entries of the same name")
    .action(importArchive);
  sub("verify", "read everything again and check it").action(async (options: RegistryOptions) => {
    await onRegistry("verify", options, [], false, async (registry) => {
      const problems = [...(await registry.verify())];
      // 3: the registry is not what was registered.
      setExitCode(problems.length > 0 ? 3 : 0);
      return { problems };
    });
  });
}

async function onRegistry(
  action: Action,
  options: RegistryOptions,
  paths: readonly string[],
  create: boolean,
  work: (registry: Registry, session: Session) => Promise<Outcome>,
): Promise<void> {
  const { defaultRegistryDirectory, openAnyRegistry } = await import("../../registry/index.ts");
  const { registryReport } = await import("../../report/build.ts");
  const directory = options.registry ?? defaultRegistryDirectory();
  const signed = [options.requireSignature, options.signature].filter((path) => path !== undefined);
  const session = openSession(options, [...paths, ...signed, directory], action === "export");
  const clock = options.deterministic ? () => null : undefined;
  // The default registry always is there, if only empty; one that was named, or is to be checked, has to be one.
  const mayBeAbsent = create || (options.registry === undefined && action !== "verify");
  const registry = await openAnyRegistry(directory, { create: mayBeAbsent, clock });
  try {
    const outcome = await work(registry, session);
    await session.emit(registryReport(session.run(), registry, action, outcome));
  } finally {
    await registry.close();
  }
}

async function add(named: readonly string[], options: RegistryOptions): Promise<void> {
  const models = atRevision(named, options);
  const { name: given, partOf = [], root, replace } = options;
  if (models.length > 1 && (given !== undefined || partOf.length > 0)) {
    throw new WeightmarkError("USAGE", "--name and --part-of are of one model, and several are given");
  }
  await onRegistry("add", options, models, true, async (registry, session) => {
    const outcomes: AddOutcome[] = [];
    const notes: (readonly string[])[] = [];
    const requirement = await requirementOf(models, options);
    for (const model of models) {
      const { name, fingerprint } =
        requirement === undefined
          ? await takenSubject(model, options, session)
          : await signedSubject(model, given, requirement);
      const added = await addModel(registry, fingerprint, { name, root, replace, partOf });
      outcomes.push(added.outcome);
      notes.push(added.notes);
    }
    return { changes: await changeReports(registry, outcomes, notes) };
  });
}

async function takenSubject(model: string, options: RegistryOptions, session: Session) {
  const subject = await openSubject(model, options, session, { name: options.name });
  await subject.close();
  return subject;
}

async function importArchive(archive: string, options: RegistryOptions): Promise<void> {
  await onRegistry("import", options, [archive], true, async (registry) => {
    const signature = await requirementOf([archive], options);
    const outcomes = await registry.importArchive(archive, { replace: options.replace, signature });
    return { changes: await changeReports(registry, outcomes) };
  });
}

async function exportArchive(options: RegistryOptions): Promise<void> {
  const { output } = options;
  if (output === undefined) throw new WeightmarkError("USAGE", "say where to write the archive: -o FILE");
  await onRegistry("export", options, [output], false, async (registry) => {
    const { writeFileAtomic } = await import("../../bytes/atomic-file.ts");
    requireOtherFile(output, [registry.location], options.force);
    await writeFileAtomic(output, registry.exportArchive(), { overwrite: options.force });
    return { output: { location: output } };
  });
}

async function entryReports(registry: Registry, entries: readonly RegistryEntry[]) {
  const { entryReport } = await import("../../report/build.ts");
  const wanted = new Set(entries.flatMap(({ parts }) => parts.map(({ of }) => of)));
  // Most registries have no parts, and some have a million entries.
  const holders = wanted.size === 0 ? [] : registry.list().filter(({ digest }) => wanted.has(digest));
  const names = new Map(holders.map(({ digest, name }) => [digest, name]));
  return entries.map((entry) => entryReport(entry, (digest) => names.get(digest) ?? null));
}

async function changeReports(
  registry: Registry,
  outcomes: readonly AddOutcome[],
  notes: readonly (readonly string[])[] = [],
) {
  const entries = await entryReports(
    registry,
    outcomes.map(({ entry }) => entry),
  );
  return outcomes.map(({ status }, i) => ({ status, entry: entries[i]!, notes: [...(notes[i] ?? [])] }));
}
